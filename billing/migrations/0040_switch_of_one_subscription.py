from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def name_the_subscription(apps, schema_editor):
    """Let the switches that wait be of the subscription that their account has now."""
    account = apps.get_model("billing", "BillingAccount").objects.filter(id=OuterRef("account_id"))
    switches = apps.get_model("billing", "PlannedSwitch").objects.using(schema_editor.connection.alias)
    switches.update(stripe_subscription_id=Subquery(account.values("stripe_subscription_id")[:1]))


class Migration(migrations.Migration):
    dependencies = [("billing", "0039_plans_of_one_customer")]

    operations = [
        migrations.AddField(
            model_name="plannedswitch",
            name="stripe_subscription_id",
            field=models.CharField(
                db_default="", help_text="The subscription it was asked for: of no other is it made.", max_length=255
            ),
        ),
        migrations.RunPython(name_the_subscription, migrations.RunPython.noop, elidable=True),
    ]
