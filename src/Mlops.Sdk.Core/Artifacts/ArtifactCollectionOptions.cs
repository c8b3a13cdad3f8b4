namespace Mlops.Sdk;

/// <summary>What a collection leaves alone.</summary>
public sealed class ArtifactCollectionOptions
{
    private static readonly TimeSpan Least = TimeSpan.FromHours(1);
    private static readonly TimeSpan Most = TimeSpan.FromDays(36_500);

    /// <summary>Gets or sets how long an artifact that nothing names is left alone after it was written or touched: longer than any run takes from writing a file to naming it in the ledger, clocks that differ included.</summary>
    /// <value>From 1 hour to 100 years. The default is 7 days.</value>
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Gets or sets how long a record of the step cache keeps the artifacts that it names.</summary>
    /// <value>From 1 hour to 100 years. The default is 30 days.</value>
    public TimeSpan CacheLifetime { get; set; } = TimeSpan.FromDays(30);

    internal void Check()
    {
        Check(nameof(GracePeriod), GracePeriod);
        Check(nameof(CacheLifetime), CacheLifetime);
    }

    private static void Check(string name, TimeSpan value)
    {
        if (value < Least || value > Most)
        {
            throw new MlopsException("artifact.invalid_option", $"ArtifactCollectionOptions.{name} is {value}; it must be from 1 hour to 100 years. A shorter one could take files that a registration is about to name.");
        }
    }
}

/// <summary>An artifact that nothing names any more.</summary>
/// <param name="Digest">Its digest.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Modified">When it was last written or touched.</param>
public sealed record UnusedArtifact(Digest Digest, long Length, DateTimeOffset Modified);

/// <summary>What a collection did.</summary>
/// <param name="Examined">How many artifacts there were.</param>
/// <param name="Named">How many of them something names.</param>
/// <param name="Young">How many nothing names yet and the grace period protects.</param>
/// <param name="Removed">How many were removed.</param>
/// <param name="RemovedBytes">How many bytes they had.</param>
/// <param name="Rescued">How many were to be removed and were touched, written again or removed by somebody else at the last moment.</param>
/// <param name="MissingManifests">How many manifests of live versions are not in the store: restore them from a copy.</param>
/// <param name="Complete">Whether it went to the end; run it again otherwise.</param>
public sealed record ArtifactCollection(long Examined, long Named, long Young, long Removed, long RemovedBytes, long Rescued, int MissingManifests, bool Complete);
