namespace Mlops.Sdk;

/// <summary>A record as it stands in a log.</summary>
/// <param name="Time">When it was appended, by the writer's clock, or the time the writer gave; to 100 ns.</param>
/// <param name="Writer">The id of the writer: one open log in one process.</param>
/// <param name="Segment">The number of the writer's segment that holds it, from 0.</param>
/// <param name="Data">The bytes. They stay valid and are not to be changed.</param>
public readonly record struct StoredRecord(DateTimeOffset Time, string Writer, int Segment, ReadOnlyMemory<byte> Data);

/// <summary>The order in which records are read.</summary>
public enum RecordOrder
{
    /// <summary>By time, then writer, then as written. Segments whose times overlap are in memory together: about one for each writer that was busy at that time.</summary>
    Time,

    /// <summary>Writer by writer, each as written. One segment is in memory at a time.</summary>
    Writer,
}

/// <summary>A closed segment and its records, for <see cref="RecordLogOptions.Accompany"/>.</summary>
/// <param name="Note">What is written to the ledger about it.</param>
/// <param name="Records">Its records as written. Can be enumerated any number of times.</param>
public sealed record RecordSegment(RecordSegmentNote Note, IEnumerable<StoredRecord> Records);

/// <summary>What a verification of a record log found.</summary>
/// <param name="Segments">How many segments the ledger knows and nobody deleted.</param>
/// <param name="Records">How many records the good ones among them hold.</param>
/// <param name="Uncommitted">How many intact segments are on the store and not on the ledger: a writer is between the two, or was killed there. Opening the log commits them.</param>
/// <param name="Problems">What is wrong, by segment key.</param>
public sealed record RecordVerification(long Segments, long Records, int Uncommitted, IReadOnlyList<RecordProblem> Problems)
{
    /// <summary>Gets whether every segment on the ledger is what was written and none is missing.</summary>
    public bool Ok => Problems.Count == 0;
}

/// <summary>One thing that is wrong with a record log.</summary>
/// <param name="Key">The key of the segment.</param>
/// <param name="Code">The code a reader would raise: <c>records.corrupt</c>, <c>records.missing</c> or <c>records.newer_format</c>.</param>
/// <param name="Message">What is wrong, for a person.</param>
public sealed record RecordProblem(string Key, string Code, string Message);

/// <summary>What a deletion by age took away, or would take away.</summary>
/// <param name="Segments">How many segments.</param>
/// <param name="Records">How many records they held.</param>
/// <param name="Bytes">How many bytes they took.</param>
/// <param name="Keys">The keys of the segments.</param>
public sealed record RecordDeletion(int Segments, long Records, long Bytes, IReadOnlyList<string> Keys);

/// <summary>A record log in one line.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Segments">How many segments it has.</param>
/// <param name="Records">How many records they hold.</param>
/// <param name="Bytes">How many bytes they take.</param>
/// <param name="From">The time of the earliest record, or null when there is none.</param>
/// <param name="To">The time of the latest record, or null when there is none.</param>
public sealed record RecordLogSummary(string Name, int Segments, long Records, long Bytes, DateTimeOffset? From, DateTimeOffset? To);
