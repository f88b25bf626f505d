"""Linear models of a recording: baselines, streamed lag moments, innovations."""

from neurofit.linear.ar import AutoRegression as AutoRegression
from neurofit.linear.ar import ar_errors as ar_errors
from neurofit.linear.ar import fit_ar as fit_ar
from neurofit.linear.ar import solve_ar as solve_ar
from neurofit.linear.baselines import Baselines as Baselines
from neurofit.linear.baselines import fit_baselines as fit_baselines
from neurofit.linear.innovations import Innovations as Innovations
from neurofit.linear.innovations import innovation_moments as innovation_moments
from neurofit.linear.innovations import whiten as whiten
from neurofit.linear.lag_moments import CentredMoments as CentredMoments
from neurofit.linear.lag_moments import ChannelMoments as ChannelMoments
from neurofit.linear.lag_moments import PopulationMoments as PopulationMoments
from neurofit.linear.lag_moments import channel_moments as channel_moments
from neurofit.linear.lag_moments import population_moments as population_moments
from neurofit.linear.predictors import LinearPredictor as LinearPredictor
from neurofit.linear.predictors import Persistence as Persistence
from neurofit.linear.predictors import TrainingMean as TrainingMean
from neurofit.linear.var import VectorAutoRegression as VectorAutoRegression
from neurofit.linear.var import fit_var as fit_var
from neurofit.linear.var import fitting_orders as fitting_orders
from neurofit.linear.var import solve_var as solve_var
from neurofit.linear.var import var_errors as var_errors
from neurofit.linear.windows import Slabs as Slabs
from neurofit.linear.windows import windows as windows
