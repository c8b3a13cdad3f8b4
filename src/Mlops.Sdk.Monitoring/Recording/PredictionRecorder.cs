using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts what models see and answer, by the bins and categories of their training reference. Thread-safe.</summary>
/// <remarks>
/// Recording a row takes no lock and allocates nothing. No value is kept, only counts: memory is bounded by the references, however many
/// rows come. A version's reference (<c>profile.json</c>) is read before the version goes into service; rows of a version without a
/// usable one are counted as not recorded, and reports say so. What was not taken out is lost when the process dies; <see cref="ModelMonitor"/> takes it
/// out and writes it to the store at every <see cref="RecordingOptions.FlushInterval"/>.
/// </remarks>
public sealed class PredictionRecorder : IPredictionObserver
{
    private const int MaxProfileBytes = 16 << 20;
    private const int KeptPerModel = 16;
    private const int MostSearched = 16;

    private readonly TimeProvider _time;
    private readonly IIdGenerator _ids;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private Recording[] _recordings = []; // replaced whole, never written into
    private Dictionary<(string Model, int Version), Recording>? _index; // the same, where they are many; never written into
    private long _unknown;

    /// <summary>Creates a recorder.</summary>
    /// <param name="time">The clock that windows are dated by.</param>
    /// <param name="ids">Makes the ids of windows.</param>
    /// <param name="logger">Told about versions that cannot be recorded, or null.</param>
    /// <param name="options">What is recorded; null for the defaults.</param>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public PredictionRecorder(TimeProvider time, IIdGenerator ids, ILogger<PredictionRecorder>? logger = null, RecordingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(ids);
        _time = time;
        _ids = ids;
        _logger = logger ?? NullLogger<PredictionRecorder>.Instance;
        Options = options ?? new RecordingOptions();
        Options.Check();
    }

    /// <summary>Gets how many predictions came of versions that were never announced, and so were not recorded.</summary>
    public long UnknownPredictions => Volatile.Read(ref _unknown);

    /// <summary>Gets what is recorded.</summary>
    internal RecordingOptions Options { get; }

    /// <summary>Gets the models of which versions were announced.</summary>
    internal IReadOnlyCollection<string> Models => [.. Volatile.Read(ref _recordings).Select(r => r.Model).Distinct(StringComparer.Ordinal)];

    /// <summary>Prepares to record a version, with its reference at hand.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version.</param>
    /// <param name="schema">What the model takes and gives.</param>
    /// <param name="profile">The reference.</param>
    /// <exception cref="MlopsDataException">The reference does not fit the schema; code <c>monitoring.profile_mismatch</c>.</exception>
    public void Watch(string model, int version, ModelSchema schema, ReferenceProfile profile)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(profile);
        Add(new Recording(model, version, RecordingPlan.Create(model, version, schema, profile, Digest.Of(profile.Serialize()), Options), _time.GetUtcNow(), NewSeed()));
    }

    /// <inheritdoc/>
    public async ValueTask PrepareAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(artifacts);
        if (Find(Volatile.Read(ref _recordings), version.Model, version.Number) is { Lanes: not null })
        {
            return; // back in service: goes on where it was
        }

        RecordingPlan? plan = null;
        try
        {
            ReferenceProfile? profile = await ReadProfileAsync(manifest, artifacts, cancellationToken).ConfigureAwait(false);
            if (profile is null)
            {
                _logger.NoReference(version.Model, version.Number);
            }
            else
            {
                plan = RecordingPlan.Create(version.Model, version.Number, manifest.Schema, profile, FileOf(manifest)!.Digest, Options);
            }
        }
        catch (MlopsException e)
        {
            // a model without monitoring is better than none: its rows are counted as not recorded
            _logger.UnusableReference(version.Model, version.Number, e.Code, e);
        }

        Add(new Recording(version.Model, version.Number, plan, _time.GetUtcNow(), NewSeed()));
    }

    /// <inheritdoc/>
    public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(version);
        lock (_gate)
        {
            if (Find(_recordings, version.Model, version.Number) is { } known)
            {
                // the newest stands last: it is what checks are about
                Publish([.. _recordings.Where(r => r != known), known]);
                return;
            }
        }

        _logger.NotPrepared(version.Model, version.Number);
        Add(new Recording(version.Model, version.Number, null, _time.GetUtcNow(), NewSeed()));
    }

    /// <inheritdoc/>
    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) => Record(model, version, row, outputs);

    /// <inheritdoc/>
    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, in PredictionContext context) => Record(model, version, row, outputs, context.Route);

    /// <summary>Records one prediction.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version that answered.</param>
    /// <param name="row">The row as the model saw it.</param>
    /// <param name="outputs">The outputs, in the schema's order.</param>
    /// <param name="route">The way the call took, or null; see <see cref="RecordingOptions.ByRoute"/>.</param>
    public void Record(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, string? route = null)
    {
        Recording? recording = Volatile.Read(ref _index) is { } index ? index.GetValueOrDefault((model, version)) : Find(Volatile.Read(ref _recordings), model, version);
        if (recording is null)
        {
            Interlocked.Increment(ref _unknown);
        }
        else if (recording.Lanes is null || !recording.Lanes.Record(row.Numbers, row.Texts, outputs, route))
        {
            Interlocked.Increment(ref recording.NotRecorded);
        }
    }

    /// <summary>Takes out what was recorded of a model since the last time: a row is wholly in one window.</summary>
    /// <param name="model">The model's name.</param>
    /// <returns>One window for each version that was asked, the version that went into service last at the end; empty when nothing was.</returns>
    public IReadOnlyList<MonitorWindow> TakeWindows(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        lock (_gate)
        {
            var windows = new List<MonitorWindow>();
            DateTimeOffset now = _time.GetUtcNow();
            foreach (Recording recording in _recordings.Where(r => r.Model == model))
            {
                MonitorWindow? window = recording.Take(now, _ids);
                recording.Idle = window is null;
                if (window is not null)
                {
                    windows.Add(window);
                }
            }

            Forget(model);
            return windows;
        }
    }

    /// <summary>Gets the number of the version that went into service last, or null.</summary>
    internal int? NewestVersionOf(string model) => Volatile.Read(ref _recordings).LastOrDefault(r => r.Model == model)?.Version;

    internal static async ValueTask<ReferenceProfile?> ReadProfileAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken)
    {
        if (FileOf(manifest) is not { } file)
        {
            return null;
        }

        byte[] bytes = await artifacts.ReadAsync(file.Digest, MaxProfileBytes, cancellationToken).ConfigureAwait(false);
        return ReferenceProfile.Deserialize(bytes);
    }

    internal static ModelFile? FileOf(ModelManifest manifest) => manifest.Files.FirstOrDefault(f => f.Name == ReferenceProfile.FileName);

    /// <summary>Makes a seed for samples and sketches: another one in each process, since their parts merge.</summary>
    private ulong NewSeed() => System.IO.Hashing.XxHash3.HashToUInt64(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_ids.NewId().AsSpan()));

    private static Recording? Find(Recording[] recordings, string model, int version)
    {
        // a host mostly serves a handful of versions, and names are the same objects: cheaper than any hash
        foreach (Recording recording in recordings)
        {
            if (recording.Version == version && (ReferenceEquals(recording.Model, model) || recording.Model == model))
            {
                return recording;
            }
        }

        return null;
    }

    private void Publish(Recording[] all)
    {
        Volatile.Write(ref _index, all.Length > MostSearched ? all.ToDictionary(r => (r.Model, r.Version)) : null);
        Volatile.Write(ref _recordings, all);
    }

    private void Add(Recording recording)
    {
        lock (_gate)
        {
            if (Find(_recordings, recording.Model, recording.Version) is { } known)
            {
                if (known.Lanes is not null || recording.Lanes is null)
                {
                    return;
                }

                Interlocked.Add(ref recording.NotRecorded, Volatile.Read(ref known.NotRecorded));
                Publish([.. _recordings.Select(r => r == known ? recording : r)]);
                return;
            }

            Publish([.. _recordings, recording]);
        }
    }

    /// <summary>Drops versions that left service long ago, so that memory stays bounded.</summary>
    private void Forget(string model)
    {
        Recording[] own = [.. _recordings.Where(r => r.Model == model)];
        HashSet<Recording> gone = [.. own.SkipLast(KeptPerModel).Where(r => r.Idle)];
        if (gone.Count > 0)
        {
            Publish([.. _recordings.Where(r => !gone.Contains(r))]);
        }
    }

    /// <summary>One version of one model.</summary>
    private sealed class Recording(string model, int version, RecordingPlan? plan, DateTimeOffset since, ulong seed)
    {
        internal readonly string Model = model;
        internal readonly int Version = version;
        internal readonly RecordingLanes? Lanes = plan is null ? null : new RecordingLanes(plan, seed);
        internal long NotRecorded;
        private DateTimeOffset _since = since;

        internal bool Idle { get; set; }

        internal MonitorWindow? Take(DateTimeOffset now, IIdGenerator ids)
        {
            LaneCounts?[]? counts = Lanes?.Take();
            long notRecorded = Interlocked.Exchange(ref NotRecorded, 0);
            (DateTimeOffset from, _since) = (_since, now);
            if (notRecorded == 0 && Array.TrueForAll(counts ?? [], c => c is null))
            {
                return null;
            }

            return counts is not null
                ? WindowCounting.Window(Lanes!.Plan, counts, ids.NewId(), from, now, notRecorded)
                : new MonitorWindow { Id = ids.NewId(), Model = Model, Version = Version, Reference = default, From = from, To = now, Rows = 0, NotRecorded = notRecorded, Features = [] };
        }
    }
}
