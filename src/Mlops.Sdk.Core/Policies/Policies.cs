namespace Mlops.Sdk;

/// <summary>Decides who may do what.</summary>
public interface IAccessPolicy
{
    /// <summary>Decides about one action.</summary>
    /// <param name="actor">Who wants to do it.</param>
    /// <param name="action">What: the kind of the ledger entry it would write.</param>
    /// <param name="resource">With what.</param>
    /// <returns>Null to allow; otherwise why not, for a person.</returns>
    string? WhyNot(Actor actor, string action, LedgerResource resource);
}

/// <summary>Decides whether a version may be named by an alias, by the approvals it has.</summary>
public interface IApprovalGate
{
    /// <summary>Decides about one version and alias, from what the ledger says now.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number.</param>
    /// <param name="digest">The version's digest, which approvals are bound to.</param>
    /// <param name="alias">The alias it would be named by.</param>
    /// <returns>Null to allow; otherwise what is missing, for a person.</returns>
    string? WhyNot(string model, int version, Digest digest, string alias);
}

/// <summary>Checks a version's files before any loader sees them: signatures, scanners, allow-lists.</summary>
public interface IArtifactVerifier
{
    /// <summary>Checks a version.</summary>
    /// <param name="version">The version.</param>
    /// <param name="manifest">Its manifest, verified by digest.</param>
    /// <param name="artifacts">Where its files are.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>A task that ends when the version may be loaded.</returns>
    /// <exception cref="MlopsIntegrityException">It may not; the message says why.</exception>
    ValueTask VerifyAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default);
}

/// <summary>Starts the next iteration of a model: monitoring pulls it, the pipeline runner answers.</summary>
public interface IRetrainingTrigger
{
    /// <summary>Runs the pipeline that makes a model, once per key across all processes.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="key">What caused it, such as <c>drift:ALERT-ID</c>: the same key never starts two runs.</param>
    /// <param name="reason">Why, for a person.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <returns>The run, or null when the key was used already.</returns>
    ValueTask<RunRecord?> TriggerAsync(string model, string key, string reason, CancellationToken cancellationToken = default);
}
