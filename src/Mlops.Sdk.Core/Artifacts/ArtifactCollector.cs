using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk;

/// <summary>Removes artifacts that nothing names any more: mark and sweep. Thread-safe; two collections at once do no harm.</summary>
/// <remarks>
/// Named is what any ledger entry names (in its resource, data, reason or correlation), what the manifests of live versions name, and what
/// objects under <c>monitoring/</c>, <c>records/</c> and, while they are young, <c>cache/</c> name (objects up to 16 MiB are looked at). A version that was deleted keeps nothing. A collection that is stopped at
/// any point is simply run again. It never takes what a registration is about to use: that writes or touches every file first, which
/// renews its age and changes its ETag, and a removal needs the ETag that was listed, after the ledger was read once more.
/// Memory grows with the number of digests named, not with that of artifacts.
/// </remarks>
/// <param name="store">The store.</param>
/// <param name="ledger">The ledger on the same store.</param>
/// <param name="time">The clock that the age of artifacts is measured by; null for the system's.</param>
public sealed class ArtifactCollector(IObjectStore store, ILedger ledger, TimeProvider? time = null)
{
    /// <summary>The kind of the entry that says a collection is about to remove something: a guard may refuse it.</summary>
    public const string StartedKind = "artifacts.collection_started";

    /// <summary>The kind of the entry that says what a collection did: data <see cref="ArtifactCollection"/>.</summary>
    public const string CollectedKind = "artifacts.collected";

    private const int BatchSize = 512;
    private const int Removers = 16;
    private static readonly LedgerResource Resource = new("store", "artifacts");

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Tells what a collection would remove now, and removes nothing: the dry run. Nothing is written to the ledger.</summary>
    /// <param name="options">What to leave alone; null for the defaults.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The artifacts in ordinal order of their digests.</returns>
    /// <exception cref="MlopsException">An option is out of range (<c>artifact.invalid_option</c>), or the manifest of a live version is damaged (<c>artifact.corrupt</c>).</exception>
    public async IAsyncEnumerable<UnusedArtifact> FindUnusedAsync(ArtifactCollectionOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArtifactCollectionOptions used = Checked(options);
        ArtifactMarks marks = await MarkAsync(used, cancellationToken).ConfigureAwait(false);
        DateTimeOffset old = _time.GetUtcNow() - used.GracePeriod;
        await foreach (ObjectInfo info in store.ListAsync(ArtifactKeys.Prefix, null, cancellationToken).ConfigureAwait(false))
        {
            if (ArtifactKeys.TryParse(info.Key, out Digest digest) && !marks.Contains(digest) && info.Modified <= old)
            {
                yield return new UnusedArtifact(digest, info.Length, info.Modified);
            }
        }
    }

    /// <summary>Removes what nothing names, and writes to the ledger who did it, why and what came of it.</summary>
    /// <param name="reason">Why; 1 to 4,000 characters, not blank.</param>
    /// <param name="options">What to leave alone; null for the defaults.</param>
    /// <param name="cancellationToken">Stops it; what is removed stays removed.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="MlopsException">
    /// An option is out of range (<c>artifact.invalid_option</c>), the reason is blank (<c>ledger.reason_required</c>), a guard refused it, or the manifest of a
    /// live version is damaged (<c>artifact.corrupt</c>), so that what it names is not known: nothing is removed then.
    /// </exception>
    public async ValueTask<ArtifactCollection> CollectAsync(string reason, ArtifactCollectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(reason))
        {
            throw new MlopsException("ledger.reason_required", "A collection needs a reason of 1 to 4,000 characters; it is blank. Say in a few words why.");
        }

        ArtifactCollectionOptions used = Checked(options);
        ArtifactMarks marks = await MarkAsync(used, cancellationToken).ConfigureAwait(false);
        var tally = new Tally();
        try
        {
            await SweepAsync(marks, used, reason, tally, cancellationToken).ConfigureAwait(false);
        }
        catch when (tally.Started is not null)
        {
            await TellAsync(tally.Report(marks, complete: false), reason, tally, quiet: true, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        ArtifactCollection report = tally.Report(marks, complete: true);
        await TellAsync(report, reason, tally, quiet: false, cancellationToken).ConfigureAwait(false);
        return report;
    }

    private static ArtifactCollectionOptions Checked(ArtifactCollectionOptions? options)
    {
        options ??= new ArtifactCollectionOptions();
        options.Check();
        return options;
    }

    private async ValueTask<ArtifactMarks> MarkAsync(ArtifactCollectionOptions options, CancellationToken cancellationToken)
    {
        var marks = new ArtifactMarks(store, ledger);
        await marks.AdvanceAsync(cancellationToken).ConfigureAwait(false);
        await marks.ScanAsync("cache/", _time.GetUtcNow() - options.CacheLifetime, cancellationToken).ConfigureAwait(false);
        await marks.ScanAsync("monitoring/", DateTimeOffset.MinValue, cancellationToken).ConfigureAwait(false);
        await marks.ScanAsync("records/", DateTimeOffset.MinValue, cancellationToken).ConfigureAwait(false);
        return marks;
    }

    private async ValueTask SweepAsync(ArtifactMarks marks, ArtifactCollectionOptions options, string reason, Tally tally, CancellationToken cancellationToken)
    {
        var batch = new List<(Digest Digest, ObjectInfo Info)>(BatchSize);
        await foreach (ObjectInfo info in store.ListAsync(ArtifactKeys.Prefix, null, cancellationToken).ConfigureAwait(false))
        {
            if (!ArtifactKeys.TryParse(info.Key, out Digest digest))
            {
                continue; // not ours
            }

            tally.Examined++;
            if (marks.Contains(digest))
            {
                tally.Named++;
            }
            else if (info.Modified > _time.GetUtcNow() - options.GracePeriod)
            {
                tally.Young++;
            }
            else
            {
                batch.Add((digest, info));
            }

            if (batch.Count == BatchSize)
            {
                await RemoveAsync(batch, marks, options, reason, tally, cancellationToken).ConfigureAwait(false);
                batch.Clear();
            }
        }

        await RemoveAsync(batch, marks, options, reason, tally, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask RemoveAsync(List<(Digest Digest, ObjectInfo Info)> batch, ArtifactMarks marks, ArtifactCollectionOptions options, string reason, Tally tally, CancellationToken cancellationToken)
    {
        if (batch.Count == 0)
        {
            return;
        }

        if (tally.Started is null)
        {
            // before the first removal, so that it is on record though the process dies, and a guard can refuse it
            LedgerReceipt receipt = await ledger.AppendAsync(
                [new LedgerDraft(StartedKind, Resource, reason, JsonSerializer.SerializeToElement(new CollectionStart(options.GracePeriod.TotalSeconds, options.CacheLifetime.TotalSeconds), CollectionJson.Default.CollectionStart))],
                cancellationToken).ConfigureAwait(false);
            tally.Started = receipt.Entries[0].Id;
        }

        await marks.AdvanceAsync(cancellationToken).ConfigureAwait(false);
        int named = batch.RemoveAll(b => marks.Contains(b.Digest));
        tally.Named += named;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Removers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(batch, parallel, async (candidate, token) =>
        {
            bool removed = await store.DeleteAsync(candidate.Info.Key, candidate.Info.ETag, token).ConfigureAwait(false);
            tally.Add(removed, candidate.Info.Length);
        }).ConfigureAwait(false);
    }

    private async ValueTask TellAsync(ArtifactCollection report, string reason, Tally tally, bool quiet, CancellationToken cancellationToken)
    {
        try
        {
            JsonElement data = JsonSerializer.SerializeToElement(report, CollectionJson.Default.ArtifactCollection);
            await ledger.AppendAsync([new LedgerDraft(CollectedKind, Resource, reason, data) { Correlation = tally.Started }], cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException) when (quiet)
        {
            // the error that stopped the collection is the one to tell; that it began is on record
        }
    }

    private sealed class Tally
    {
        private long _removed;
        private long _bytes;
        private long _rescued;

        internal long Examined { get; set; }

        internal long Named { get; set; }

        internal long Young { get; set; }

        /// <summary>Gets or sets the id of the entry that says it began.</summary>
        internal string? Started { get; set; }

        internal void Add(bool removed, long length)
        {
            Interlocked.Increment(ref removed ? ref _removed : ref _rescued);
            Interlocked.Add(ref _bytes, removed ? length : 0);
        }

        internal ArtifactCollection Report(ArtifactMarks marks, bool complete) => new(
            Examined, Named, Young, Interlocked.Read(ref _removed), Interlocked.Read(ref _bytes), Interlocked.Read(ref _rescued), marks.MissingManifests, complete);
    }
}

/// <summary>The data of the entry that says a collection began.</summary>
internal sealed record CollectionStart(double GraceSeconds, double CacheSeconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CollectionStart))]
[JsonSerializable(typeof(ArtifactCollection))]
internal sealed partial class CollectionJson : JsonSerializerContext;
