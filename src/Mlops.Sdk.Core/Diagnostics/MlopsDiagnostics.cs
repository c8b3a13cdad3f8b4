namespace Mlops.Sdk;

/// <summary>The names under which the packages report to OpenTelemetry. One activity source and one meter per package, both named after it.</summary>
public static class MlopsDiagnostics
{
    /// <summary>The source and meter of the store and the ledger.</summary>
    public const string Core = "Mlops.Sdk.Core";

    /// <summary>The source and meter of data reading.</summary>
    public const string Data = "Mlops.Sdk.Data";

    /// <summary>The source and meter of pipelines: one activity per step.</summary>
    public const string Pipelines = "Mlops.Sdk.Pipelines";

    /// <summary>The source and meter of the registry.</summary>
    public const string Registry = "Mlops.Sdk.Registry";

    /// <summary>The source and meter of serving.</summary>
    public const string Serving = "Mlops.Sdk.Serving";

    /// <summary>The source and meter of monitoring.</summary>
    public const string Monitoring = "Mlops.Sdk.Monitoring";

    /// <summary>The source and meter of governance.</summary>
    public const string Governance = "Mlops.Sdk.Governance";

    /// <summary>The tag that holds a model's name. Only names that were resolved are used, so the values are bounded.</summary>
    public const string ModelTag = "mlops.model";

    /// <summary>The tag that holds a model's version number.</summary>
    public const string VersionTag = "mlops.version";

    /// <summary>The tag that holds how something ended: <c>ok</c> or an error code.</summary>
    public const string OutcomeTag = "mlops.outcome";
}
