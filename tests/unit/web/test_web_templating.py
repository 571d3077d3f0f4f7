"""What templates may use."""

from __future__ import annotations

from pathlib import Path

from app.factory import create_app
from app.settings import Env, Settings
from app.web.templating import PageEnvironment


def test_each_template_has_what_all_may_use_in_a_dictionary_of_its_own(tmp_path: Path) -> None:
    app = create_app(Settings(env=Env.TEST, data=tmp_path))
    assert isinstance(app.jinja_env, PageEnvironment)
    layout, error = (app.jinja_env.get_template(name).globals for name in ("layout.html", "error.html"))
    assert type(layout) is dict
    assert layout.keys() >= {"asset", "csrf_token", "replaced", "url_for"}
    layout["asset"] = None
    assert error["asset"] is app.jinja_env.globals["asset"] is not None
