namespace Mlops.Sdk.Monitoring;

/// <summary>The names of the metrics of performance, the same in windows, signals, references and reports.</summary>
public static class PerformanceNames
{
    /// <summary>The share of right answers.</summary>
    public const string Accuracy = "accuracy";

    /// <summary>The share of right ones among the answers yes; macro mean over the classes for several classes.</summary>
    public const string Precision = "precision";

    /// <summary>The share of those found among the true yes; macro mean over the classes for several classes.</summary>
    public const string Recall = "recall";

    /// <summary>The harmonic mean of precision and recall; macro mean over the classes for several classes.</summary>
    public const string F1 = "f1";

    /// <summary>The share of those left alone among the true no; macro mean over the classes for several classes.</summary>
    public const string Specificity = "specificity";

    /// <summary>The area under the ROC curve; one class against the rest and the macro mean for several classes.</summary>
    public const string RocAuc = "roc_auc";

    /// <summary>The average precision: the area under the steps of the precision-recall curve; macro mean for several classes.</summary>
    public const string AveragePrecision = "average_precision";

    /// <summary>The mean negative logarithm of the probability that the true class was given, in nats.</summary>
    public const string LogLoss = "log_loss";

    /// <summary>The mean squared difference between the probability and the truth.</summary>
    public const string Brier = "brier";

    /// <summary>Matthews' correlation coefficient.</summary>
    public const string Mcc = "mcc";

    /// <summary>Precision weighted by the true rows of each class.</summary>
    public const string WeightedPrecision = "weighted_precision";

    /// <summary>F1 weighted by the true rows of each class.</summary>
    public const string WeightedF1 = "weighted_f1";

    /// <summary>The mean absolute error, in the label's unit.</summary>
    public const string Mae = "mae";

    /// <summary>The root of the mean squared error, in the label's unit.</summary>
    public const string Rmse = "rmse";

    /// <summary>The share of the label's variance that is explained; below 0 when the mean would do better.</summary>
    public const string R2 = "r2";

    /// <summary>The mean of prediction minus truth, in the label's unit.</summary>
    public const string Bias = "bias";

    /// <summary>The mean absolute error as a share of the truth, over the rows whose truth is not 0.</summary>
    public const string Mape = "mape";

    /// <summary>The expected calibration error.</summary>
    public const string CalibrationError = "calibration_error";

    /// <summary>The share of predictions whose truth came.</summary>
    public const string LabelCoverage = "label_coverage";
}
