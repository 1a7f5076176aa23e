"""Rows of one project, or of none, by the word that an address or a call names."""

# No name begins so: `accounts.project.PROJECT_NAME`.
WITHOUT = "-"
NO_PROJECT = "No project"
HELP = "The name of a project; `-` for requests without one."


def in_project(word: str | None) -> dict[str, object]:
    """Return the condition on rows with a `project`; none where no project is named. Rows are an organization's."""
    if not word:
        return {}
    return {"project": None} if word == WITHOUT else {"project__name": word}
