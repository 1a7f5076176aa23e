"""The full-text index of messages: PostgreSQL's own, or SQLite's FTS5 with triggers that keep it true."""

from django.db import migrations

SQLITE = [
    "CREATE VIRTUAL TABLE chat_message_words USING fts5(text, content='chat_message', content_rowid='id')",
    """CREATE TRIGGER chat_message_words_added AFTER INSERT ON chat_message BEGIN
         INSERT INTO chat_message_words(rowid, text) VALUES (new.id, new.text);
       END""",
    """CREATE TRIGGER chat_message_words_deleted AFTER DELETE ON chat_message BEGIN
         INSERT INTO chat_message_words(chat_message_words, rowid, text) VALUES ('delete', old.id, old.text);
       END""",
    """CREATE TRIGGER chat_message_words_changed AFTER UPDATE OF text ON chat_message BEGIN
         INSERT INTO chat_message_words(chat_message_words, rowid, text) VALUES ('delete', old.id, old.text);
         INSERT INTO chat_message_words(rowid, text) VALUES (new.id, new.text);
       END""",
    "INSERT INTO chat_message_words(chat_message_words) VALUES ('rebuild')",
]
SQLITE_BACK = [
    "DROP TRIGGER chat_message_words_added",
    "DROP TRIGGER chat_message_words_deleted",
    "DROP TRIGGER chat_message_words_changed",
    "DROP TABLE chat_message_words",
]
# A row of the index holds a megabyte at most, and a text beyond it could not be written at all.
POSTGRESQL = ["CREATE INDEX chat_message_words ON chat_message USING gin (to_tsvector('simple', left(text, 100000)))"]
POSTGRESQL_BACK = ["DROP INDEX chat_message_words"]


def _runs(statements):
    """Return a function that runs the statements of the database that is migrated."""

    def run(apps, schema_editor):
        for statement in statements[schema_editor.connection.vendor]:
            schema_editor.execute(statement)

    return run


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]

    operations = [
        migrations.RunPython(
            _runs({"sqlite": SQLITE, "postgresql": POSTGRESQL}),
            _runs({"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK}),
        ),
    ]
