from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0040_switch_of_one_subscription")]

    operations = [
        migrations.AddField(
            model_name="billingaccount",
            name="subscription_began_at",
            field=models.DateTimeField(
                blank=True,
                help_text="The beginning of the subscription's first bill. Its meters bill no usage of an earlier one.",
                null=True,
            ),
        ),
    ]
