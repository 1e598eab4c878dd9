"""The proofs, in order. Each proof is a sentence and the code that checks it."""

import time

from shell import say

PROOFS = []
#: A feature that a proof may need and that not every cluster has.
OWN_NODE = "own node"


def proof(sentence, needs=None):
    def register(see):
        PROOFS.append((sentence, see, needs))
        return see
    return register


class Table:
    """The results of the proofs, with times."""

    def __init__(self, name):
        self.name, self.rows, self.notes = name, [], []

    def prove(self, stage):
        """Runs each proof. Stops at the first failure, because later proofs build on earlier ones."""
        for sentence, see, needs in PROOFS:
            if needs is not None and needs not in stage.has:
                self.rows.append(("skipped", 0.0, f"{sentence} (needs {needs})"))
                continue
            say(f"{self.name}: … {sentence}")
            begun = time.monotonic()
            note = see(stage)
            self.rows.append(("proved", time.monotonic() - begun, sentence))
            if note:
                self.notes.append(note)
                say(f"{self.name}:     {note}")

    def failed(self, error):
        sentence = PROOFS[len(self.rows)][0] if len(self.rows) < len(PROOFS) else "the end"
        self.rows.append(("FAILED", 0.0, f"{sentence}: {error}"))

    def print(self, seconds):
        print()
        for verdict, time_taken, sentence in self.rows:
            print(f"{verdict:8} {time_taken:6.1f} s  {sentence}")
        for note in self.notes:
            print(f"measured           {note}")
        proved = sum(verdict == "proved" for verdict, _, _ in self.rows)
        skipped = sum(verdict == "skipped" for verdict, _, _ in self.rows)
        print(f"{proved} proved, {skipped} skipped, {len(self.rows) - proved - skipped} failed, {seconds:.0f} s")

    def has_failed(self):
        return any(verdict == "FAILED" for verdict, _, _ in self.rows)
