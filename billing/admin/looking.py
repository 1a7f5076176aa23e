"""The button that opens an organization's portal to a member of the staff, to read."""

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.looking import begin_looking, may_look


class ReasonForm(BaseDialogForm):
    """Asks why."""

    reason = forms.CharField(max_length=200, label="Reason", widget=UnfoldAdminTextInputWidget)


DIALOG = {
    "title": "Look at this organization's pages?",
    "description": "For half an hour you see its portal as its admins do, and can change nothing. Its log tells of it.",
    "form_class": ReasonForm,
    "form_submit_text": "Look",
}


class LookingAdmin(ModelAdmin):
    """Adds the button to an organization's page."""

    actions_detail = ["look"]

    def has_look_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow it to those with the right."""
        return may_look(request)

    @action(description="Look at its pages", permissions=["look"], dialog=DIALOG)
    def look(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Begin to look, once a reason is given."""
        organization = self.get_object(request, object_id)
        if organization is None:
            raise Http404
        begin_looking(request, organization=organization, reason=form.cleaned_data["reason"])
        self.log_change(request, organization, f"Looked at: {form.cleaned_data['reason']}")
        url = reverse("overview")
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)
