import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_replaced_by'),
        ('billing', '0047_claudes_prices'),
    ]

    operations = [
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stripe_id', models.CharField(max_length=255, unique=True)),
                ('stripe_invoice_id', models.CharField(db_index=True, max_length=255, verbose_name='invoice')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount, cents')),
                ('status', models.CharField(max_length=30)),
                ('refunded_at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='accounts.organization')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
    ]
