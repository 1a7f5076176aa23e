"""A person's choice of mails, and the page that a link in a mail opens to end one kind of them."""

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.mail_choices import choose_mails, turned_off
from accounts.mail_refusals import refusal_of
from accounts.models import User
from billing.mail.choice_links import UnknownChoice, read_choice
from billing.mail.kinds import EVERYBODY, KINDS_OF_MAIL, KindOfMail


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of mail, with its box ticked or not, and a sentence on its receivers."""

    kind: KindOfMail
    is_on: bool
    goes_to: str


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    """Show the kinds of mail, and save which of them the person wants."""
    person = cast(User, request.user)
    optional = {each.kind.value for each in KINDS_OF_MAIL if not each.mandatory}
    if request.method == "POST":
        choose_mails(user_id=person.pk, wanted=optional.intersection(request.POST.getlist("wanted")), among=optional)
        messages.success(request, "Your choice of mails is saved.")
        return redirect("notifications")
    off = turned_off(user_id=person.pk)
    rows = [Row(each, each.kind not in off or each.mandatory, _receivers(each)) for each in KINDS_OF_MAIL]
    context = {"rows": rows, "email": person.email, "refusal": refusal_of(person)}
    return render(request, "billing/notifications.html", context)


@csrf_exempt  # mail programs post without a page of ours; the signature in the address is what counts
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def turn_off_mail(request: HttpRequest, choice: str) -> HttpResponse:
    """Ask whether to end a kind of mail; a POST ends it, and is answered without a redirect, which RFC 8058 forbids."""
    try:
        found = read_choice(choice)
    except UnknownChoice as error:
        return render(request, "billing/turn_off_mail.html", {"refusal": str(error)}, status=404)
    if request.method == "POST":
        found.turn_off()
    context = {"label": found.kind.kind.label, "tells": found.kind.tells, "email": found.user.email}
    response = render(request, "billing/turn_off_mail.html", {**context, "done": request.method == "POST"})
    response["Referrer-Policy"] = "no-referrer"
    return response


def _receivers(kind: KindOfMail) -> str:
    if kind.mandatory:
        return "Always sent to owners and admins."
    return "For everybody." if kind.roles == EVERYBODY else "For owners and admins."
