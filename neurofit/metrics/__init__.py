"""Scores as functions of streamed errors: mean squared error, skill, intervals, residual spectra."""

from neurofit.metrics.bootstrap import Interval as Interval
from neurofit.metrics.bootstrap import block_bootstrap as block_bootstrap
from neurofit.metrics.bootstrap import integrated_autocorrelation_time as integrated_autocorrelation_time
from neurofit.metrics.errors import ErrorSums as ErrorSums
from neurofit.metrics.scores import Score as Score
from neurofit.metrics.scores import channel_skill as channel_skill
from neurofit.metrics.scores import loss_eq2 as loss_eq2
from neurofit.metrics.scores import mean_squared_error as mean_squared_error
from neurofit.metrics.scores import r2 as r2
from neurofit.metrics.scores import skill as skill
from neurofit.metrics.spectra import ResidualSpectrum as ResidualSpectrum
from neurofit.metrics.spectra import residual_spectrum as residual_spectrum
