"""Asked whether a pruner of Optuna would end a trial: its number in the study comes in, true or false goes out."""

import json
import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


def made(about):
    """The pruner of that name, with what it is told; a pruner may wrap another."""
    told = {key: made(value) if isinstance(value, dict) else value for key, value in about.items() if key != "name"}
    return getattr(optuna.pruners, about["name"])(**told)


optuna.logging.set_verbosity(optuna.logging.ERROR)
path, name, about = sys.argv[1:]
storage = JournalStorage(JournalFileBackend(path))
study = optuna.load_study(study_name=name, storage=storage, pruner=made(json.loads(about)))
print(json.dumps({"optuna": optuna.__version__}), flush=True)
for line in sys.stdin:
    trial = study.get_trials(deepcopy=False)[int(line)]
    print(json.dumps(bool(study.pruner.prune(study, trial))), flush=True)
