import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_replaced_by'),
        ('billing', '0045_stops'),
    ]

    operations = [
        migrations.CreateModel(
            name='Redemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stripe_promotion_id', models.CharField(max_length=255)),
                ('state', models.CharField(choices=[('begun', 'Being redeemed'), ('redeemed', 'Redeemed')], default='begun', max_length=10)),
                ('begun_at', models.DateTimeField(default=django.utils.timezone.now, help_text='In wall time.')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='redemptions', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'stripe_promotion_id'), name='a_code_is_redeemed_once'), models.UniqueConstraint(condition=models.Q(('state', 'begun')), fields=('organization',), name='one_redemption_at_a_time')],
            },
        ),
    ]
