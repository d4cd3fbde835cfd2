"""The index of the full-text search, the words that typing errors are mended to, and the texts that found nothing.

Each database looks the same tokens up in its own way. Whatever writes to the table, the look-up follows in the same
transaction: triggers on SQLite, a generated column on PostgreSQL. A later migration that makes Django rebuild
`guides_searchentry` on SQLite must run `make_look_up` again, because triggers go with the old table.
"""

import django.db.models.deletion
from django.db import migrations, models

# `ascii` cuts at ASCII punctuation alone, so every token comes back as guides.markup.searching made it.
# Tokens stand once in a row, so nothing is to be known of their places: `detail=none`.
SQLITE = [
    """
    CREATE VIRTUAL TABLE guides_search_fts USING fts5(
        tokens, content='guides_searchentry', content_rowid='id', tokenize='ascii', detail='none', columnsize=0,
        prefix='3 4 5'
    )
    """,
    """
    CREATE TRIGGER guides_search_insert AFTER INSERT ON guides_searchentry BEGIN
        INSERT INTO guides_search_fts(rowid, tokens) VALUES (new.id, new.tokens);
    END
    """,
    """
    CREATE TRIGGER guides_search_delete AFTER DELETE ON guides_searchentry BEGIN
        INSERT INTO guides_search_fts(guides_search_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens);
    END
    """,
    """
    CREATE TRIGGER guides_search_update AFTER UPDATE OF id, tokens ON guides_searchentry BEGIN
        INSERT INTO guides_search_fts(guides_search_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens);
        INSERT INTO guides_search_fts(rowid, tokens) VALUES (new.id, new.tokens);
    END
    """,
    "INSERT INTO guides_search_fts(guides_search_fts) VALUES ('rebuild')",
]
# `array_to_tsvector` takes tokens as they are; `to_tsvector` would cut them again, by the rules of the server's locale.
POSTGRESQL = [
    """
    ALTER TABLE guides_searchentry ADD COLUMN lexemes tsvector
    GENERATED ALWAYS AS (array_to_tsvector(string_to_array(tokens, ' '))) STORED
    """,
    "CREATE INDEX guides_search_lexemes ON guides_searchentry USING gin (lexemes)",
]


def make_look_up(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def drop_look_up(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER guides_search_{name}")
        schema_editor.execute("DROP TABLE guides_search_fts")
    else:
        schema_editor.execute("ALTER TABLE guides_searchentry DROP COLUMN lexemes")


class Migration(migrations.Migration):

    dependencies = [
        ('guides', '0003_publish'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.CharField(max_length=64, unique=True)),
                ('length', models.PositiveSmallIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['length'], name='search_word_length')],
            },
        ),
        migrations.CreateModel(
            name='UnexplainedText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True, verbose_name='fingerprint')),
                ('shape', models.TextField(verbose_name='text, without what is personal')),
                ('count', models.PositiveIntegerField(default=1, verbose_name='how often')),
                ('first_seen', models.DateField(verbose_name='first seen')),
                ('last_seen', models.DateField(verbose_name='last seen')),
            ],
            options={
                'verbose_name': 'text that found nothing',
                'verbose_name_plural': 'texts that found nothing',
                'ordering': ['-count', '-last_seen', 'pk'],
                'indexes': [models.Index(fields=['last_seen'], name='unexplained_last_seen')],
                'constraints': [models.CheckConstraint(condition=models.Q(('shape', ''), _negated=True), name='unexplained_not_empty'), models.CheckConstraint(condition=models.Q(('count__gte', 1)), name='unexplained_counted'), models.CheckConstraint(condition=models.Q(('last_seen__gte', models.F('first_seen'))), name='unexplained_in_order')],
            },
        ),
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('guide', 'guide'), ('error', 'error article'), ('provider', 'provider')], max_length=10)),
                ('language', models.CharField(choices=[('ja', '日本語'), ('en', 'English'), ('ru', 'Русский')], max_length=2)),
                ('slug', models.CharField(max_length=253)),
                ('position', models.PositiveIntegerField()),
                ('title', models.CharField(max_length=200)),
                ('summary', models.CharField(blank=True, max_length=400)),
                ('plain', models.TextField(blank=True)),
                ('tokens', models.TextField()),
                ('fingerprint', models.CharField(max_length=64)),
                ('article', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='search_entries', to='guides.errorarticle')),
                ('guide', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='search_entries', to='guides.guide')),
                ('provider', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='search_entries', to='guides.provider')),
            ],
            options={
                'verbose_name': 'search entry',
                'verbose_name_plural': 'search entries',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('article__isnull', True), ('guide__isnull', False), ('kind', 'guide'), ('provider__isnull', True)), models.Q(('article__isnull', False), ('guide__isnull', True), ('kind', 'error'), ('provider__isnull', True)), models.Q(('article__isnull', True), ('guide__isnull', True), ('kind', 'provider'), ('provider__isnull', False)), _connector='OR'), name='search_entry_about_one'), models.CheckConstraint(condition=models.Q(('language__in', ['ja', 'en', 'ru'])), name='search_entry_known_language'), models.UniqueConstraint(fields=('guide', 'language'), name='search_entry_guide_once'), models.UniqueConstraint(fields=('article', 'language'), name='search_entry_article_once'), models.UniqueConstraint(fields=('provider', 'language'), name='search_entry_provider_once')],
            },
        ),
        migrations.RunPython(make_look_up, drop_look_up),
    ]
