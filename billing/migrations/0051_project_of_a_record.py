import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Alone, so that the table of records is locked for an instant, and not while the indexes of 0049 are built."""

    dependencies = [
        ('accounts', '0010_projects'),
        ('billing', '0050_model_cards'),
    ]

    operations = [
        migrations.AddField(
            model_name='usagerecord',
            name='project',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.project'),
        ),
    ]
