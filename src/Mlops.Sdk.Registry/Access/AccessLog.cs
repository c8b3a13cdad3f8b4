using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Registry;

/// <summary>How reads are logged. Configuration section: <c>Mlops:AccessLog</c>.</summary>
public sealed class AccessLogOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:AccessLog";

    /// <summary>Gets or sets the share of reads that are written. Each record states it, so that counts can be scaled.</summary>
    /// <value>Above 0, at most 1. The default is 1: every read.</value>
    public double SampleRate { get; set; } = 1;

    /// <summary>Gets or sets the seed of the sampling.</summary>
    /// <value>The default is 0.</value>
    public int Seed { get; set; }

    /// <summary>Gets or sets how predictions are noted.</summary>
    /// <value>The default is <see cref="PredictionNotes.Counted"/>.</value>
    public PredictionNotes Predictions { get; set; } = PredictionNotes.Counted;

    /// <summary>Gets or sets how long a record waits at most before it is written: the most that a killed process loses.</summary>
    /// <value>From 10 ms to 1 day. The default is 10 seconds.</value>
    public TimeSpan SegmentAge { get; set; } = TimeSpan.FromSeconds(10);

    internal string? WhyNot() =>
        !(SampleRate is > 0 and <= 1) ? $"{nameof(SampleRate)} is {SampleRate}; it must be above 0 and at most 1."
        : SegmentAge < TimeSpan.FromMilliseconds(10) || SegmentAge > TimeSpan.FromDays(1) ? $"{nameof(SegmentAge)} is {SegmentAge}; it must be from 10 ms to 1 day."
        : !Enum.IsDefined(Predictions) ? $"{nameof(Predictions)} is {Predictions}; it must be one of the named values."
        : null;
}

/// <summary>How an access log notes predictions.</summary>
public enum PredictionNotes
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>As counts: a record says how many calls and rows a caller asked of a version within an hour since the record before.</summary>
    Counted,

    /// <summary>One record for each call, or for the share of them that <see cref="AccessLogOptions.SampleRate"/> says.</summary>
    Sampled,
}

internal sealed class AccessLogOptionsRanges : IValidateOptions<AccessLogOptions>
{
    public ValidateOptionsResult Validate(string? name, AccessLogOptions options) =>
        options.WhyNot() is { } why ? ValidateOptionsResult.Fail($"{AccessLogOptions.Section}:{why}") : ValidateOptionsResult.Success;
}

/// <summary>One read. Of the reader nothing but the actor's id is kept.</summary>
/// <param name="Time">When it ended.</param>
/// <param name="Actor">Who.</param>
/// <param name="Action">What: <c>artifact.read</c> for content that was read, <c>model.predicted</c> for predictions, or a name that a host gives.</param>
/// <param name="Outcome"><c>ok</c>, <c>partial</c> when the reader stopped before the end, or the code of the error.</param>
/// <param name="SampleRate">The share of reads that were written at that time, in (0, 1].</param>
public sealed record AccessRecord(DateTimeOffset Time, string Actor, string Action, string Outcome, double SampleRate)
{
    /// <summary>Gets the actor that the reader acted for, or null.</summary>
    public string? OnBehalfOf { get; init; }

    /// <summary>Gets the digest of what was read, or null.</summary>
    public Digest? Digest { get; init; }

    /// <summary>Gets how many bytes were read.</summary>
    public long Bytes { get; init; }

    /// <summary>Gets how many reads or calls the record stands for: 1, but for counted predictions.</summary>
    public long Count { get; init; } = 1;

    /// <summary>Gets how many rows were predicted; 0 for other reads.</summary>
    public long Rows { get; init; }

    /// <summary>Gets what a host says it was, or null.</summary>
    public string? Resource { get; init; }

    /// <summary>Gets the versions that the content belongs to, as <c>model/number/file</c>; the manifest is the file <c>manifest.json</c>. Found when the log is read, by digest. For predictions the version that answered, as <c>model/number</c>; number 0 when none did.</summary>
    public IReadOnlyList<string> Versions { get; init; } = [];
}

/// <summary>Which records are wanted. Every part that is set must hold.</summary>
public sealed record AccessFilter
{
    /// <summary>Gets the earliest time, or null.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Gets the time before which, or null.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Gets the actor's id, or null for all.</summary>
    public string? Actor { get; init; }

    /// <summary>Gets the action, or null for all.</summary>
    public string? Action { get; init; }

    /// <summary>Gets the digest of what was read, or null for all.</summary>
    public Digest? Digest { get; init; }

    /// <summary>Gets the model, or null for all.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the number of the version of <see cref="Model"/>, or null for all.</summary>
    public int? Version { get; init; }
}

/// <summary>Who read which model file and asked which version for predictions when: a record log beside the ledger, which commits its digests. Off until <c>AddAccessLog</c> turns it on. Thread-safe.</summary>
/// <remarks>Writing never fails a read: while the store is away records wait in bounded memory, and beyond that they are counted in <see cref="Dropped"/>.</remarks>
public sealed partial class AccessLog : IAsyncDisposable
{
    /// <summary>The name of the record log.</summary>
    public const string LogName = "access";

    /// <summary>The action of records about predictions.</summary>
    public const string Predicted = "model.predicted";

    private const int MaxWaiting = 10_000;
    private const int MaxText = 256;
    private readonly RecordLogs _logs;
    private readonly IActorAccessor _actors;
    private readonly TimeProvider _time;
    private readonly AccessLogOptions _options;
    private readonly AccessIndex _index;
    private readonly Random _sampling;
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<(byte[] Record, DateTimeOffset Time)> _waiting = [];
    private readonly ITimer? _noting;
    private Task<RecordLog>? _opening;
    private bool _disposed;
    private long _dropped;

    /// <summary>Creates the log; nothing is opened before the first record.</summary>
    /// <param name="store">The store.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="actors">Says who reads.</param>
    /// <param name="options">How to log; null for defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="ids">Makes the writer's id; null for time-ordered ones.</param>
    /// <exception cref="MlopsException">An option is out of its range; code <c>registry.invalid_access_log</c>.</exception>
    public AccessLog(IObjectStore store, ILedger ledger, IActorAccessor actors, AccessLogOptions? options = null, TimeProvider? time = null, IIdGenerator? ids = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(actors);
        _options = options ?? new AccessLogOptions();
        if (_options.WhyNot() is { } why)
        {
            throw new MlopsException("registry.invalid_access_log", $"{nameof(AccessLogOptions)}.{why}");
        }

        _logs = new RecordLogs(store, ledger, time, ids);
        _actors = actors;
        _time = time ?? TimeProvider.System;
        _index = new AccessIndex(ledger);
        _sampling = new Random(_options.Seed);
        if (_options.Predictions == PredictionNotes.Counted)
        {
            _noting = _time.CreateTimer(static log => ((AccessLog)log!).NoteCounts(), this, _options.SegmentAge, _options.SegmentAge);
        }
    }

    /// <summary>Gets how many records were lost because the store was away for too long.</summary>
    public long Dropped => Interlocked.Read(ref _dropped) + (_opening is { IsCompletedSuccessfully: true } open ? open.Result.Dropped : 0);

    /// <summary>Notes a read by the current actor, such as a prediction that a host answered.</summary>
    /// <param name="action">What; 1 to 256 characters, such as <c>http.predict</c>.</param>
    /// <param name="resource">What was read, or null; at most 256 characters are kept. No personal data belongs here.</param>
    /// <param name="digest">The digest of what was read, or null.</param>
    /// <param name="bytes">How many bytes.</param>
    /// <param name="outcome"><c>ok</c>, or the code of an error.</param>
    public void Record(string action, string? resource = null, Digest? digest = null, long bytes = 0, string outcome = "ok")
    {
        ArgumentException.ThrowIfNullOrEmpty(action);
        ArgumentException.ThrowIfNullOrEmpty(outcome);
        Record(_actors.Current, action, resource, digest, bytes, outcome);
    }

    internal void Record(Actor actor, string action, string? resource, Digest? digest, long bytes, string outcome)
    {
        if (IsSampled())
        {
            Write(new AccessDocument(1, Cut(actor.Id)!, Cut(action)!, Cut(outcome)!, _options.SampleRate, Cut(actor.OnBehalfOf), digest, bytes, Cut(resource)), _time.GetUtcNow());
        }
    }

    private bool IsSampled()
    {
        if (_options.SampleRate >= 1)
        {
            return true;
        }

        lock (_sampling)
        {
            return _sampling.NextDouble() < _options.SampleRate;
        }
    }

    private void Write(AccessDocument document, DateTimeOffset time) => Write(JsonSerializer.SerializeToUtf8Bytes(document, AccessJson.Default.AccessDocument), time);

    /// <summary>Writes what waits; everything noted before is then durable.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is.</returns>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        NoteCounts();
        RecordLog log = await OpenAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        Drain(log);
        await log.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads the records of all processes in order of time, verified against the ledger. What this process noted is written first.</summary>
    /// <param name="filter">Which records; null for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The records.</returns>
    /// <exception cref="MlopsIntegrityException">A segment is missing or not what was written; code <c>records.missing</c> or <c>records.corrupt</c>.</exception>
    public async IAsyncEnumerable<AccessRecord> QueryAsync(AccessFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        filter ??= new AccessFilter();
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await _index.RefreshAsync(cancellationToken).ConfigureAwait(false);
        await foreach (StoredRecord stored in _logs.Get(LogName).ReadAsync(filter.From, filter.To, RecordOrder.Time, cancellationToken).ConfigureAwait(false))
        {
            if (Parse(stored) is { } record && Matches(filter, record))
            {
                yield return record;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_noting is not null)
        {
            await _noting.DisposeAsync().ConfigureAwait(false);
        }

        if (!_disposed)
        {
            _disposed = true;
            NoteCounts();
        }

        Task<RecordLog>? opening;
        lock (_gate)
        {
            opening = _opening;
        }

        _index.Dispose();
        if (opening is not null)
        {
            await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (opening.IsCompletedSuccessfully)
            {
                RecordLog log = await opening.ConfigureAwait(false);
                Drain(log);
                await log.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private void Write(byte[] record, DateTimeOffset time)
    {
        Task<RecordLog> opening = OpenAsync();
        if (opening.IsCompletedSuccessfully)
        {
            Drain(opening.Result);
            opening.Result.Append(record, time); // one that does not fit is counted there
            return;
        }

        if (_waiting.Count >= MaxWaiting)
        {
            Interlocked.Increment(ref _dropped);
            return;
        }

        _waiting.Enqueue((record, time));
        if (opening.IsCompletedSuccessfully)
        {
            Drain(opening.Result);
        }
    }

    private void Drain(RecordLog log)
    {
        while (_waiting.TryDequeue(out (byte[] Record, DateTimeOffset Time) waiting))
        {
            log.Append(waiting.Record, waiting.Time);
        }
    }

    private Task<RecordLog> OpenAsync()
    {
        lock (_gate)
        {
            // an attempt that failed is not kept, so that the next one can succeed
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _opening = Task.Run(async () =>
                {
                    RecordLog log = await _logs.OpenAsync(LogName, new RecordLogOptions { SegmentAge = _options.SegmentAge, Compression = RecordCompression.Deflate }, CancellationToken.None).ConfigureAwait(false);
                    Drain(log);
                    return log;
                });
            }

            return _opening;
        }
    }

    private AccessRecord? Parse(StoredRecord stored)
    {
        try
        {
            return JsonSerializer.Deserialize(stored.Data.Span, AccessJson.Default.AccessDocument) is { Format: 1 } d
                ? new AccessRecord(stored.Time, d.Actor, d.Action, d.Outcome, d.Rate)
                {
                    OnBehalfOf = d.OnBehalfOf,
                    Digest = d.Digest,
                    Bytes = d.Bytes,
                    Resource = d.Resource,
                    Count = d.Count ?? 1,
                    Rows = d.Rows ?? 0,
                    Versions = d.Digest is { HasValue: true } digest ? _index.Find(digest) : d.Model is { } model ? [string.Create(CultureInfo.InvariantCulture, $"{model}/{d.Version ?? 0}")] : [],
                }
                : null; // written by a newer library
        }
        catch (Exception error) when (error is JsonException or MlopsIntegrityException)
        {
            return null; // the log's name was used by something else
        }
    }

    private static bool Matches(AccessFilter filter, AccessRecord record) =>
        (filter.Actor is null || record.Actor == filter.Actor)
        && (filter.Action is null || record.Action == filter.Action)
        && (filter.Digest is null || record.Digest == filter.Digest)
        && (filter.Model is null || record.Versions.Any(v => IsOf(v, filter.Version is { } n ? string.Create(CultureInfo.InvariantCulture, $"{filter.Model}/{n}") : filter.Model)));

    private static bool IsOf(string version, string of) => version.StartsWith(of, StringComparison.Ordinal) && (version.Length == of.Length || version[of.Length] == '/');

    private static string? Cut(string? text) => text is null || text.Length <= MaxText ? text : text[..(char.IsHighSurrogate(text[MaxText - 1]) ? MaxText - 1 : MaxText)];
}

/// <summary>A record as it is stored.</summary>
internal sealed record AccessDocument(
    [property: JsonPropertyName("f")] int Format,
    [property: JsonPropertyName("who")] string Actor,
    [property: JsonPropertyName("did")] string Action,
    [property: JsonPropertyName("end")] string Outcome,
    [property: JsonPropertyName("rate")] double Rate,
    [property: JsonPropertyName("for")] string? OnBehalfOf,
    [property: JsonPropertyName("what")] Digest? Digest,
    [property: JsonPropertyName("bytes")] long Bytes,
    [property: JsonPropertyName("name")] string? Resource)
{
    [JsonPropertyName("m")]
    public string? Model { get; init; }

    [JsonPropertyName("v")]
    public int? Version { get; init; }

    [JsonPropertyName("n")]
    public long? Count { get; init; }

    [JsonPropertyName("rows")]
    public long? Rows { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, MaxDepth = 4)]
[JsonSerializable(typeof(AccessDocument))]
internal sealed partial class AccessJson : JsonSerializerContext;

/// <summary>Knows which versions a content belongs to, by the ledger.</summary>
internal sealed class AccessIndex(ILedger ledger) : IDisposable
{
    private readonly ConcurrentDictionary<Digest, string[]> _versions = [];
    private readonly SemaphoreSlim _reading = new(1, 1);
    private long _next;

    public void Dispose() => _reading.Dispose();

    internal IReadOnlyList<string> Find(Digest digest) => _versions.GetValueOrDefault(digest) ?? [];

    internal async ValueTask RefreshAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await foreach (LedgerEntry entry in ledger.ReadAsync(_next, cancellationToken).ConfigureAwait(false))
            {
                if (entry is { Kind: LedgerKinds.VersionRegistered, Outcome: LedgerOutcome.Done, Format: 1 } && LedgerData.TryRead(entry.Data, out VersionNote? note))
                {
                    string version = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{note.Model}/{note.Number}/");
                    Add(note.Digest, version + "manifest.json");
                    foreach (ModelFile file in note.Files)
                    {
                        Add(file.Digest, version + file.Name);
                    }
                }

                _next = entry.Number + 1;
            }
        }
        finally
        {
            _reading.Release();
        }
    }

    private void Add(Digest digest, string name)
    {
        if (digest.HasValue)
        {
            _versions.AddOrUpdate(digest, _ => [name], (_, there) => there.Contains(name, StringComparer.Ordinal) ? there : [.. there, name]);
        }
    }
}
