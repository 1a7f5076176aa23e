"""Pages of billing, under /app/."""

from django.urls import path

from billing.pages import billing, checkout, credits, keys, notifications, overview, requests, usage

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("usage/", usage.usage, name="usage"),
    path("usage.csv", usage.usage_file, name="usage_file"),
    path("requests/", requests.requests, name="requests"),
    path("requests/<str:request_id>/", requests.request_detail, name="request"),
    path("keys/", keys.keys, name="keys"),
    path("keys/create", keys.create, name="key_create"),
    path("keys/<int:api_key_id>/", keys.change, name="key"),
    path("keys/<int:api_key_id>/revoke", keys.revoke, name="key_revoke"),
    path("billing/", billing.billing, name="billing"),
    path("billing/cap", billing.change_cap, name="change_cap"),
    path("billing/code", credits.redeem, name="redeem_code"),
    path("billing/subscribe", checkout.subscribe, name="subscribe"),
    path("billing/return", checkout.checkout_return, name="checkout_return"),
    path("billing/canceled", checkout.checkout_canceled, name="checkout_canceled"),
    path("billing/invoices/<str:invoice_id>/", billing.invoice, name="invoice"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/off/<str:choice>", notifications.turn_off_mail, name="turn_off_mail"),
]
