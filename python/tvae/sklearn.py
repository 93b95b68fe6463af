"""scikit-learn's habits: a transformer from texts to codes, for a Pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._arrays import as_texts
from .model import load


class Encoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Codes of texts as rows of features: ``make_pipeline(tvae.Encoder("model"), LogisticRegression())``.

    Nothing is fitted: the model is what it is. ``fit`` loads it.

    Args:
        model: a model directory.
        device: as ``tvae.load``.
        with_std: posterior standard deviations as features too.
    """

    def __init__(self, model: Any = None, *, device: str = "auto", with_std: bool = False) -> None:
        self.model = model
        self.device = device
        self.with_std = with_std

    def fit(self, X: Any, y: Any = None) -> Encoder:
        """Loads the model. The texts are not looked at but for what they are."""
        as_texts(_column(X), "X")
        self.model_ = load(self.model, self.device)
        self.n_features_in_ = 1
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """[N, latent tokens · latent size] float32."""
        check_is_fitted(self)
        mean, deviation = self.model_.encode(as_texts(_column(X), "X"), return_std=True, progress=False)
        parts = [mean, deviation] if self.with_std else [mean]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    def inverse_transform(self, X: Any) -> list[str]:
        """Texts of rows of features."""
        check_is_fitted(self)
        shape = self.model_.latent_shape
        codes = np.asarray(X, np.float32)[:, : shape[0] * shape[1]]
        texts: list[str] = self.model_.decode(codes.reshape(len(codes), *shape), progress=False)
        return texts

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """``code0_0``, ``code0_1``, ... by token and place in it."""
        check_is_fitted(self)
        tokens, size = self.model_.latent_shape
        kinds = ["code", "std"] if self.with_std else ["code"]
        return np.asarray([f"{kind}{token}_{place}" for kind in kinds for token in range(tokens)
                           for place in range(size)], object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.requires_fit = True
        tags.no_validation = True
        return tags


def _column(X: Any) -> Any:
    """The one column of a table of texts; anything else as it is."""
    if getattr(X, "ndim", 1) == 2 and X.shape[1] == 1:
        return X.iloc[:, 0] if hasattr(X, "iloc") else X[:, 0]
    return X
