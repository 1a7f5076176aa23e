from django.db import migrations, models
from django.db.models import F


def ask_for_all(apps, schema_editor):
    """Count the grants there are as before, until Stripe is asked: which of them are usable, only it tells."""
    alias = schema_editor.connection.alias
    grants = apps.get_model("billing", "CreditGrant").objects.using(alias)
    grants.filter(state="granted").update(usable=True)
    terms = apps.get_model("billing", "InvoiceTerms").objects.using(alias)
    with_grants = grants.filter(state="granted").values("organization_id")
    terms.filter(organization_id__in=with_grants).update(stale=True, version=F("version") + 1)


class Migration(migrations.Migration):
    dependencies = [("billing", "0042_task_runs")]

    operations = [
        migrations.AddField(
            model_name="creditgrant",
            name="usable",
            field=models.BooleanField(
                default=False,
                db_default=False,
                help_text="Counted in the account's credits when Stripe last told of them.",
            ),
        ),
        migrations.AddField(
            model_name="invoiceterms",
            name="version",
            field=models.BigIntegerField(default=0, db_default=0, help_text="How often a change was told of."),
        ),
        migrations.RunPython(ask_for_all, migrations.RunPython.noop, elidable=True),
    ]
