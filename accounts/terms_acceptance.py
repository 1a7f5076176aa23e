"""The terms that people accepted: which version, when, and from where."""

from django.db import models


class TermsAcceptance(models.Model):
    """One acceptance. Rows are added, never changed."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    version = models.CharField(max_length=40)
    address = models.URLField(help_text="Where the terms stood.")
    accepted_at = models.DateTimeField()
    ip = models.GenericIPAddressField("address of the browser", null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "version"], name="one_acceptance_each")]

    def __str__(self) -> str:
        return f"{self.user}, version {self.version}"
