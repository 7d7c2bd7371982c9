"""What the OpenAPI document promises, the service keeps, however schemathesis asks for it."""

import pytest
from hypothesis import HealthCheck, given, settings
from serving_cases import save_some

from course_cloud.serving import create_app

schemathesis = pytest.importorskip("schemathesis")
WITH_INPUT = ["GET /recommend/{user_id}", "POST /recommend", "GET /similar/{movie_id}",
              "GET /search", "POST /canary"]  # fmt: skip
WITHOUT = ["GET /health", "GET /metrics", "POST /reload", "DELETE /canary"]  # no input


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "als"
    save_some(folder)
    document = schemathesis.openapi.from_asgi("/openapi.json", create_app(folder))
    found = [result.ok() for result in document.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


def test_every_route_is_asked(operations):
    assert sorted(operations) == sorted(WITH_INPUT + WITHOUT)


@pytest.mark.parametrize(
    ("route", "mode"),
    [*((route, "positive") for route in WITH_INPUT + WITHOUT),
     *((route, "negative") for route in WITH_INPUT)],
)  # fmt: skip
def test_the_service_keeps_what_its_document_promises(operations, route, mode):
    cases = operations[route].as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @given(case=cases)
    @settings(max_examples=25, suppress_health_check=[*HealthCheck])
    def keep(case):
        case.call_and_validate()

    keep()
