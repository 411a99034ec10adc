"""A run of a study in a process of its own, wherever that is started."""

import json

from vidsparse.study.jobs import Job, carry_out


def test_a_run_does_not_take_its_worker_for_one_of_its_own_processes(tmp_path, monkeypatch):
    """A Dask worker that srun started as task 3 of 8."""
    for name, value in (("SLURM_PROCID", "3"), ("SLURM_STEP_NUM_TASKS", "8"), ("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    seen = tmp_path / "seen.json"
    told = f"import json, os; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))"
    monkeypatch.setattr("vidsparse.study.jobs._MAIN", told)
    assert carry_out(Job("one", "one.yaml", str(tmp_path / "log"), str(tmp_path), 1, False)) == 0
    assert {"SLURM_PROCID", "RANK"} & set(json.loads(seen.read_text())) == set()
