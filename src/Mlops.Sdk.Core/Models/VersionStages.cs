namespace Mlops.Sdk;

/// <summary>The stages of a version's life that the registry knows of itself. Which moves are legal, and stages of your own, are the registry's options.</summary>
public static class VersionStages
{
    /// <summary>Put down and not finished: nobody should use it.</summary>
    public const string Draft = "draft";

    /// <summary>Complete, and not checked.</summary>
    public const string Registered = "registered";

    /// <summary>It passed its gates, or came in without any.</summary>
    public const string Validated = "validated";

    /// <summary>A gate or a person said no: it is kept as evidence.</summary>
    public const string Rejected = "rejected";

    /// <summary>People agreed that it may go into service.</summary>
    public const string Approved = "approved";

    /// <summary>At least one host serves it. Read from the deployments in the ledger, so it is never stale and nobody sets it.</summary>
    public const string Deployed = "deployed";

    /// <summary>Out of use, kept for the record.</summary>
    public const string Archived = "archived";
}
