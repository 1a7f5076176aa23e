"""Pages of billing, under /app/."""

from django.urls import path

from billing import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("billing/", views.billing, name="billing"),
    path("billing/subscribe", views.subscribe, name="subscribe"),
    path("billing/return", views.checkout_return, name="checkout_return"),
    path("billing/canceled", views.checkout_canceled, name="checkout_canceled"),
    path("billing/invoices/<str:invoice_id>/", views.invoice, name="invoice"),
]
