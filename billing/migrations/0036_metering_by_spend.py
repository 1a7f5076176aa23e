import billing.money
from django.db import migrations, models

METERING = models.CharField(
    choices=[("tokens", "By tokens"), ("spend", "By spend")], db_default="tokens", default="tokens", max_length=10
)


class Migration(migrations.Migration):

    dependencies = [
        ("billing", "0035_trial_value"),
    ]

    operations = [
        migrations.AddField("historicalplan", "metering", METERING),
        migrations.AddField("plan", "metering", METERING),
        migrations.AlterField(
            "meterevent",
            "value",
            models.BigIntegerField(help_text="Tokens, or units of spend. Negative where a repair takes some back."),
        ),
        migrations.RemoveConstraint("lateusage", "late_usage_counts_something"),
        migrations.RenameField("lateusage", "tokens", "quantity"),
        migrations.RenameField("lateusage", "per_token_minor", "unit_minor"),
        migrations.AlterField(
            "lateusage", "quantity", models.BigIntegerField(help_text="Tokens, or units of spend.")
        ),
        migrations.AlterField(
            "lateusage",
            "unit_minor",
            billing.money.AmountField(decimal_places=12, max_digits=38, verbose_name="price, cents a token or unit"),
        ),
        migrations.AlterField("lateusage", "model", models.CharField(blank=True, max_length=100)),
        migrations.AlterField(
            "lateusage",
            "token_class",
            models.CharField(
                blank=True,
                choices=[
                    ("input", "Input"),
                    ("cache_write_5m", "Cache write, 5 min"),
                    ("cache_write_1h", "Cache write, 1 h"),
                    ("cache_read", "Cache read"),
                    ("output", "Output"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            "lateusage",
            models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="late_usage_counts_something"),
        ),
    ]
