"""Pages of billing, under /app/."""

from django.urls import path

from billing import key_pages, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("keys/", key_pages.keys, name="keys"),
    path("keys/create", key_pages.create, name="key_create"),
    path("keys/<int:api_key_id>/", key_pages.change, name="key"),
    path("keys/<int:api_key_id>/revoke", key_pages.revoke, name="key_revoke"),
    path("billing/", views.billing, name="billing"),
    path("billing/cap", views.change_cap, name="change_cap"),
    path("billing/subscribe", views.subscribe, name="subscribe"),
    path("billing/return", views.checkout_return, name="checkout_return"),
    path("billing/canceled", views.checkout_canceled, name="checkout_canceled"),
    path("billing/invoices/<str:invoice_id>/", views.invoice, name="invoice"),
]
