"""Pages that belong to no app: landing, pricing, the sandbox's mail, health."""

from typing import Any, NoReturn

from csp.decorators import csp
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.organizations import membership_or_none
from billing.ledger.idempotency import KEPT_FOR
from billing.pages.catalogue import catalogue
from billing.pages.estimate import estimate
from billing.pages.frame import account_of
from billing.pages.price_table import plans_on_sale, shared_prices, worked_example
from common import clock
from rgent.laptop.mailbox import mail_named, newest_mails

# A mail program's: inline styles, and nothing from anywhere. Its links open pages of their own.
MAIL_POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "frame-ancestors": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}

# Pages of no use to a search engine.
NOT_FOR_ROBOTS = ["/accounts/", "/admin/", "/api/v1/", "/app/", "/mail/", "/v1/"]


def answers_by_settings() -> dict[str, Any]:
    """Return the settings by which some answers to frequent questions go."""
    return {
        "abort_policy": settings.STREAM_ABORT_POLICY,
        "answers_kept_h": int(KEPT_FOR.total_seconds() // 3600),
        "chat_kept_days": settings.CHAT_KEPT_DAYS,
    }


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the product and its prices."""
    plans = plans_on_sale()
    context: dict[str, Any] = {
        "plans": plans,
        "price_rows": shared_prices(plans),
        "example": worked_example(plans),
        "faq": answers_by_settings(),
        "quickstart_model": next((plan.models[0] for plan in plans if plan.models), ""),
    }
    return render(request, "public/landing.html", context)


@require_safe
@never_cache
def pricing(request: HttpRequest) -> HttpResponse:
    """Show the plans and every price; a signed-in customer on the trial subscribes from here."""
    membership = membership_or_none(request)
    account = account_of(membership) if membership else None
    plans = plans_on_sale()
    context: dict[str, Any] = {
        "layout": "layouts/portal.html" if membership else "layouts/public.html",
        "membership": membership,
        "plans": plans,
        "price_rows": shared_prices(plans),
        "estimate": estimate(request.GET, plans=plans, now=clock.now()),
        "faq": answers_by_settings(),
        "example": worked_example(plans),
        "current_plan": account.plan.code if account else "",
        "subscribed": bool(account and account.stripe_subscription_id),
    }
    return render(request, "public/pricing.html", context)


@require_safe
@never_cache
def model_catalogue(request: HttpRequest) -> HttpResponse:
    """Show the catalogue of models on sale."""
    membership = membership_or_none(request)
    context = {
        "layout": "layouts/portal.html" if membership else "layouts/public.html",
        "membership": membership,
        "models": catalogue(plans_on_sale(), now=clock.now()),
    }
    return render(request, "public/models.html", context)


@require_safe
@never_cache
def mail(request: HttpRequest) -> HttpResponse:
    """Show the mail that was sent, in the sandbox mode; elsewhere there is no such page."""
    if not settings.SANDBOX:
        raise Http404
    return render(request, "public/mail.html", {"mails": newest_mails()})


@require_safe
@never_cache
@xframe_options_sameorigin
@csp(MAIL_POLICY)  # type: ignore[arg-type]  # it is typed for views without arguments
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """Show the HTML of one mail alone, for a frame of the page above: it may style itself, and nothing else."""
    found = mail_named(name) if settings.SANDBOX else None
    if found is None or not found.html:
        raise Http404
    return HttpResponse(found.html.replace("<head>", '<head><base target="_blank">', 1))


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Tell whether this process can reach the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Tell search engines to read the public pages alone."""
    closed = "".join(f"Disallow: {path}\n" for path in NOT_FOR_ROBOTS)
    return HttpResponse(f"User-agent: *\n{closed}", content_type="text/plain")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead those who ask for an icon by its old name to the mark."""
    return redirect(static("mark.svg"))


def not_found(request: HttpRequest, **kwargs: object) -> NoReturn:
    """Tell that there is no such page. Raises Http404."""
    raise Http404
