import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.addresses import mailbox_of
from accounts.secret_hash import secret_hash


def fill(apps, schema_editor):
    """Grant to each mailbox that owns organizations the trial of the oldest."""
    memberships = apps.get_model("accounts", "Membership").objects.filter(role="owner")
    addresses = apps.get_model("account", "EmailAddress").objects.filter(verified=True)
    grants = apps.get_model("billing", "TrialGrant").objects
    for membership in memberships.order_by("created_at", "id").iterator():
        for email in addresses.filter(user_id=membership.user_id).values_list("email", flat=True):
            grants.get_or_create(
                mailbox_hash=secret_hash(mailbox_of(email)),
                defaults={"organization_id": membership.organization_id, "granted_at": membership.created_at},
            )


class Migration(migrations.Migration):

    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("accounts", "0004_key_models"),
        ("billing", "0018_collection_stopped"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="billingaccount",
            name="had_trial_before",
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text="Whether the owner's mailbox had its free trial in another organization."),
        ),
        migrations.CreateModel(
            name="TrialGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mailbox_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("granted_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("organization", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="trial_grants", to="accounts.organization")),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
