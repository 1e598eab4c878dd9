"""A check for schemathesis, which loads this file: no answer is an error of the server, but for two that the official server has, too.

AWS refuses a `nextToken` that it has not given, and a `limit` above 10,000. The official server answers 500 to both, with AWS's words. The project keeps
that on purpose: codes and words are those of the official server (tests/it/serve.rs compares both). So a 500 is allowed only if the request has such
a value, and if the answer is AWS's refusal of this very value. All other answers of 500 and above are faults.
"""

import json
import re
from urllib.parse import parse_qs, urlsplit

import schemathesis
from schemathesis.checks import not_a_server_error

INVALID_TOKEN = r"Invalid NextToken|Unexpected error when retrieving (image's logs|log events): The specified nextToken is invalid\."
TOO_LARGE = ("Unexpected error when retrieving log events: 1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: "
             "Member must have value less than or equal to 10000")  # fmt: skip
#: In place of a larger limit, AWS may be asked with this one: the largest of the specification.
LARGEST = 2**31 - 1


def is_refusal_of_aws(url, body):
    """Whether the body is AWS's refusal of a value in the URL."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return False
    # A parameter without a value counts as absent, as it does to the servers.
    query = parse_qs(urlsplit(url).query)
    if "nextToken" in query and re.fullmatch(INVALID_TOKEN, message):
        return True
    limits = [int(limit) for limit in query.get("limit", []) if re.fullmatch("[0-9]{1,100}", limit)]
    return any(limit > 10_000 and message in (TOO_LARGE.format(limit), TOO_LARGE.format(min(limit, LARGEST))) for limit in limits)


@schemathesis.check
def no_server_error_but_refusals_of_aws(ctx, response, case):
    if response.status_code == 500 and is_refusal_of_aws(response.request.url, response.content):
        return None
    return not_a_server_error(ctx, response, case)
