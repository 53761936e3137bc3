"""What `pyproject.toml` cannot say: the folders `baselines` and `experiments` are installed inside `wis`."""

from setuptools import find_packages, setup

INSIDE = ("baselines", "experiments")

setup(
    packages=[
        *find_packages(include=["wis", "wis.*"]),
        *(f"wis.{name}" for folder in INSIDE for name in find_packages(include=[folder, f"{folder}.*"])),
    ],
    package_dir={f"wis.{folder}": folder for folder in INSIDE},
)
