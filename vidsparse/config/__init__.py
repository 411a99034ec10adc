"""The config: schema with the ranges of its numbers, what of it makes a run, and how YAML is read."""

from vidsparse.config.identity import digest, flatten, identity, to_yaml
from vidsparse.config.operation import (
    AnalysisConfig,
    BenchmarkConfig,
    ClusterConfig,
    EngineConfig,
    LoggingConfig,
    ReportConfig,
    StudyConfig,
)
from vidsparse.config.schema import (
    SAMPLE_ROOT,
    AugmentConfig,
    AugmixConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    MixupConfig,
    ModelConfig,
    Normalize,
    OptimizerConfig,
    ScheduleConfig,
    SparseConfig,
    TrainingConfig,
)

__all__ = [
    "SAMPLE_ROOT",
    "AnalysisConfig",
    "AugmentConfig",
    "AugmixConfig",
    "BenchmarkConfig",
    "ClusterConfig",
    "Config",
    "DataConfig",
    "EngineConfig",
    "EvaluationConfig",
    "LoggingConfig",
    "MixupConfig",
    "ModelConfig",
    "Normalize",
    "OptimizerConfig",
    "ReportConfig",
    "ScheduleConfig",
    "SparseConfig",
    "StudyConfig",
    "TrainingConfig",
    "digest",
    "flatten",
    "identity",
    "to_yaml",
]
