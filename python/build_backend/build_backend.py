"""scikit-build-core's backend, which builds against the PyTorch that the package will run with.

pip builds in an environment of its own, in which `import torch` fails, but sysconfig still names the site-packages of
the environment that is installed into. Where a PyTorch is there (or TVAE_TORCH names one), it is taken; only where
there is none does the build environment get one."""

import importlib.metadata
import os
import sysconfig

from scikit_build_core import build
from scikit_build_core.build import *  # noqa: F403

TORCH = "torch==2.13.0"


def _has_torch():
    if os.environ.get("TVAE_TORCH"):
        return True
    platlib = sysconfig.get_path("platlib")
    wanted = TORCH.removeprefix("torch==").rpartition(".")[0] + "."
    versions = [package.version for package in importlib.metadata.distributions(name="torch", path=[platlib])]
    return any(version.startswith(wanted) for version in versions)


def get_requires_for_build_wheel(config_settings=None):
    return build.get_requires_for_build_wheel(config_settings) + ([] if _has_torch() else [TORCH])


def get_requires_for_build_editable(config_settings=None):
    return build.get_requires_for_build_editable(config_settings) + ([] if _has_torch() else [TORCH])
