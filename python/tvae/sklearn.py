"""scikit-learn's habits: a transformer from texts to codes, for a Pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._arrays import as_flag, as_texts, kind_of
from .errors import DataError
from .model import Model, load


class Encoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Codes of texts as rows of features: ``make_pipeline(tvae.Encoder("model"), LogisticRegression())``.

    Nothing is fitted: the model is what it is. ``fit`` loads it.

    Args:
        model: a model directory, or a loaded model.
        device: as ``tvae.load``.
        with_std: posterior standard deviations as features too.
    """

    def __init__(self, model: Any = None, *, device: str = "auto", with_std: bool = False) -> None:
        self.model = model
        self.device = device
        self.with_std = with_std

    def fit(self, X: Any, y: Any = None) -> Encoder:
        """Loads the model. The texts are not looked at but for what they are."""
        _texts(X)
        as_flag(self.with_std, "with_std")
        self.model_ = self.model if isinstance(self.model, Model) else load(self.model, self.device)
        self.n_features_in_ = 1
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> npt.NDArray[np.float32]:
        """Both, of texts that may come but once, from a generator."""
        texts = X if hasattr(X, "shape") else _texts(X)
        return self.fit(texts).transform(texts)

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """[N, latent tokens · latent size] float32."""
        check_is_fitted(self)
        mean, deviation = self.model_.encode(_texts(X), return_std=True, progress=False)
        parts = [mean, deviation] if self.with_std else [mean]
        return np.concatenate([part.reshape(len(part), mean.shape[1] * mean.shape[2]) for part in parts], axis=1)

    def inverse_transform(self, X: Any) -> list[str]:
        """Texts of rows of features."""
        check_is_fitted(self)
        tokens, size = self.model_.latent_shape
        features = np.asarray(X)
        width = tokens * size * (2 if self.with_std else 1)
        if features.ndim != 2 or features.shape[1] != width:
            raise DataError(f"X: got an array of {list(features.shape)}, expected [N, {width}]")
        codes = features[:, : tokens * size].reshape(len(features), tokens, size)
        texts: list[str] = self.model_.decode(codes, progress=False)
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


def _texts(X: Any) -> list[str]:
    """Of a container of texts, or the one column of a table."""
    if isinstance(X, str):
        raise TypeError(f"X: got {kind_of(X)}, expected several of them, such as [text]")
    if getattr(X, "ndim", 1) == 2 and X.shape[1] == 1:
        X = X.iloc[:, 0] if hasattr(X, "iloc") else X[:, 0]
    return as_texts(X, "X")
