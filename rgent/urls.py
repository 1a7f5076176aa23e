"""Pages of the portal and the admin. `rgent.api.urls` holds the API's routes, which have a handler of their own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from billing.webhooks import stripe_webhook
from rgent import pages

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("pricing/", pages.pricing, name="pricing"),
    path("docs/", include("rgent.documentation.urls")),
    # Not /models/, which is the API's: rgent.api.paths.
    path("catalogue/", pages.model_catalogue, name="catalogue"),
    path("health", pages.health, name="health"),
    path("mail/", pages.mail, name="mail"),
    path("mail/<str:name>/", pages.mail_html, name="mail_html"),
    # In place of allauth's own page.
    path("accounts/sessions/", RedirectView.as_view(pattern_name="sessions")),
    path("robots.txt", pages.robots, name="robots"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("accounts/", include("allauth.urls")),
    path("app/", include("accounts.urls")),
    path("app/", include("billing.urls")),
    path("app/", include("chat.urls")),
    path("api/", include("rgent.management_api.urls")),
    path("webhooks/stripe", stripe_webhook, name="stripe_webhook"),
    # Django's own view of a row on the site: there are none, and it fails on an id that is not of its table's kind.
    path("admin/r/<path:row>", pages.not_found),
    path("admin/", admin.site.urls),
]
