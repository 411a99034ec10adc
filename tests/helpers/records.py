"""Records of runs that never were, for tests: what run.json says, with what a test wants otherwise."""

from typing import Any

from vidsparse.run_dir.record import DataRecord

CLASSES = ("ApplyEyeMakeup", "<b>Bowling & 'Co'</b>", "<script>alert(1)</script>")


def data_record(**changes: Any) -> DataRecord:
    """Eighty-four clips to train on and 48 to test, of three classes; seven are missing."""
    said: dict[str, Any] = {
        "description": "UCF101 split 1",
        "sample_data": False,
        "root": "data/ucf101",
        "fingerprint": "5f1f0c1d2e3f4a5b6c7d",
        "classes": CLASSES,
        "classes_present": 3,
        "n_train": 84,
        "n_test": 48,
        "missing": 7,
        "missing_named": ("Archery/v_Archery_g01_c01", "Archery/v_Archery_g01_c02"),
    }
    return DataRecord(**(said | changes))
