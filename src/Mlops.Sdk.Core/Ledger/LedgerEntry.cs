using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>The thing an entry is about.</summary>
/// <param name="Kind">What it is: <c>model</c>, <c>run</c>, <c>monitor</c>, <c>policy</c>, ...</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version number, or null.</param>
/// <param name="Digest">The digest of its content, or null.</param>
public sealed record LedgerResource(string Kind, string Name, int? Version = null, Digest? Digest = null)
{
    /// <inheritdoc/>
    public override string ToString() => Version is null ? $"{Kind} '{Name}'" : $"{Kind} '{Name}' version {Version}";
}

/// <summary>How what an entry tells of ended.</summary>
public enum LedgerOutcome
{
    /// <summary>It happened.</summary>
    Done,

    /// <summary>A rule said no; nothing changed.</summary>
    Denied,

    /// <summary>It was tried and failed; nothing changed.</summary>
    Failed,
}

/// <summary>Something to be written to the ledger.</summary>
/// <param name="Kind">What happened, such as <c>model.version_registered</c>; 1 to 64 of <c>a-z 0-9 _ .</c></param>
/// <param name="Resource">What it happened to.</param>
/// <param name="Reason">Why; 1 to 4,000 characters, not blank.</param>
/// <param name="Data">The facts, as a JSON object of at most 1 MiB and 60 levels.</param>
public sealed record LedgerDraft(string Kind, LedgerResource Resource, string Reason, JsonElement Data)
{
    /// <summary>Gets the version of the format of <see cref="Data"/>; a reader refuses one newer than it knows.</summary>
    public int Format { get; init; } = 1;

    /// <summary>Gets how it ended.</summary>
    public LedgerOutcome Outcome { get; init; }

    /// <summary>Gets who did it; null for the current actor.</summary>
    public Actor? Actor { get; init; }

    /// <summary>Gets what ties entries together, such as a run id or trace id; null for none.</summary>
    public string? Correlation { get; init; }

    /// <summary>
    /// Gets the caller's own id of the entry; null for a new one. Appending the same id again writes nothing and answers with the
    /// first receipt, so a retry after a lost answer is harmless.
    /// </summary>
    public string? Id { get; init; }
}

/// <summary>Something that happened: one line of the ledger, never changed.</summary>
public sealed record LedgerEntry
{
    internal const int MaxDataDepth = 60; // so that a whole line stays below the 64 levels that JSON readers allow by default

    private readonly ReadOnlyMemory<byte> _json;
    private object? _data; // a boxed JsonElement: made when first asked for, whole or not there for other threads

    /// <summary>Creates an entry.</summary>
    public LedgerEntry()
    {
    }

    /// <summary>Creates an entry whose data is parsed when it is asked for: most entries of a long ledger never are.</summary>
    [SetsRequiredMembers]
    internal LedgerEntry(ReadOnlyMemory<byte> json)
    {
        _json = json;
        (Id, Kind, Reason, Source, Resource, Actor) = (string.Empty, string.Empty, string.Empty, string.Empty, null!, null!);
    }

    /// <summary>Gets the entry's number, from 0, without gaps: the order of all things.</summary>
    public required long Number { get; init; }

    /// <summary>Gets the number of the commit that carries it, from 0.</summary>
    public required long Commit { get; init; }

    /// <summary>Gets the entry's id.</summary>
    public required string Id { get; init; }

    /// <summary>Gets what happened.</summary>
    public required string Kind { get; init; }

    /// <summary>Gets the version of the format of <see cref="Data"/>.</summary>
    public required int Format { get; init; }

    /// <summary>Gets what it happened to.</summary>
    public required LedgerResource Resource { get; init; }

    /// <summary>Gets how it ended.</summary>
    public required LedgerOutcome Outcome { get; init; }

    /// <summary>Gets who did it.</summary>
    public required Actor Actor { get; init; }

    /// <summary>Gets why.</summary>
    public required string Reason { get; init; }

    /// <summary>Gets when, by the writer's clock. Information only: the order is <see cref="Number"/>.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Gets the host, process and library version that wrote it, such as <c>web-1/4711/0.1.0</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Gets what ties entries together, or null.</summary>
    public string? Correlation { get; init; }

    /// <summary>Gets the facts.</summary>
    /// <exception cref="MlopsIntegrityException">They are no JSON: something else than this library wrote the entry; code <c>ledger.unreadable_data</c>.</exception>
    public required JsonElement Data
    {
        get => (JsonElement)(Volatile.Read(ref _data) ?? Interlocked.CompareExchange(ref _data, (object)Parse(), null) ?? _data);
        init => _data = value;
    }

    private JsonElement Parse()
    {
        try
        {
            var reader = new Utf8JsonReader(_json.Span, new JsonReaderOptions { MaxDepth = MaxDataDepth });
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("ledger.unreadable_data", $"The data of entry {Number} ('{Kind}') is no JSON. It was written by something else than this library; find the writer by the entry's source '{Source}'.", error);
        }
    }
}

/// <summary>Where the ledger ends.</summary>
/// <param name="Commits">How many commits there are.</param>
/// <param name="Entries">How many entries there are.</param>
/// <param name="Hash">The hash of the last commit, which stands for the whole chain; the default value when there is none.</param>
public readonly record struct LedgerHead(long Commits, long Entries, Digest Hash);

/// <summary>The answer to an append.</summary>
/// <param name="Entries">The entries as written; those of an earlier append with the same ids where there was one.</param>
/// <param name="Head">The end of the ledger right after the commit.</param>
public sealed record LedgerReceipt(IReadOnlyList<LedgerEntry> Entries, LedgerHead Head);

/// <summary>What a verification found.</summary>
/// <param name="Ok">True when every commit is what was written and follows its predecessor, and everything beside them is what it should be.</param>
/// <param name="Proven">The part from the start that is proven good.</param>
/// <param name="BadCommit">The number of the first bad commit, or null.</param>
/// <param name="BadEntry">The number of the first entry that is not proven good, or null.</param>
/// <param name="Problem">What is wrong with it, or null.</param>
public sealed record LedgerVerification(bool Ok, LedgerHead Proven, long? BadCommit = null, long? BadEntry = null, string? Problem = null)
{
    /// <summary>Gets the part that is proven good as a checkpoint.</summary>
    public LedgerCheckpoint Checkpoint { get; init; } = new(0, MerkleTree.EmptyRoot);

    /// <summary>Gets everything that was found, by object; <see cref="Problem"/> tells the first of them. A commit or segment that is bad ends the reading of the ledger, so that there may be more behind it.</summary>
    public IReadOnlyList<StoreFinding> Findings { get; init; } = [];

    /// <summary>Gets whether the ledger was read to its end, so that every entry is proven, whatever was found beside them (saved views, stray objects).</summary>
    public bool IsWhole { get; init; } = Ok;
}
