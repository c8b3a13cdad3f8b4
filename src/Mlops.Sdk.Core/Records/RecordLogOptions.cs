namespace Mlops.Sdk;

/// <summary>How a process writes to a record log.</summary>
public sealed class RecordLogOptions
{
    internal const int MaxRecordBytes = 16 << 20;
    internal const int MaxSegmentBytes = 64 << 20;

    /// <summary>Gets or sets after how many bytes of records a segment is closed and written.</summary>
    /// <value>From 4 KiB to 64 MiB. The default is 4 MiB.</value>
    public int SegmentBytes { get; set; } = 4 << 20;

    /// <summary>Gets or sets after how many records a segment is closed and written.</summary>
    /// <value>From 1 to 10,000,000. The default is 1,000,000.</value>
    public int SegmentRecords { get; set; } = 1_000_000;

    /// <summary>Gets or sets how long after its first record a segment is closed and written: the most that a killed process loses.</summary>
    /// <value>From 10 ms to 1 day. The default is 10 s.</value>
    public TimeSpan SegmentAge { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets or sets how many bytes of records may wait in memory while the store is slow or away.</summary>
    /// <value>At least <see cref="SegmentBytes"/>, at most 1 GiB. The default is 16 MiB.</value>
    public int MaxBufferedBytes { get; set; } = 16 << 20;

    /// <summary>Gets or sets how segments are compressed.</summary>
    /// <value>The default is <see cref="RecordCompression.None"/>.</value>
    public RecordCompression Compression { get; set; }

    /// <summary>
    /// Gets or sets what else is to be appended to the ledger in the same commit as a segment, such as a summary of its records; null for nothing.
    /// Equal segments must give equal entries, each with an id of its own: the segment may be given again after a lost answer or by another process.
    /// </summary>
    public Func<RecordSegment, IReadOnlyList<LedgerDraft>>? Accompany { get; set; }

    internal RecordLogOptions CheckedCopy()
    {
        Require(SegmentBytes is >= 4096 and <= MaxSegmentBytes, nameof(SegmentBytes), SegmentBytes, "from 4,096 bytes to 64 MiB");
        Require(SegmentRecords is >= 1 and <= 10_000_000, nameof(SegmentRecords), SegmentRecords, "from 1 to 10,000,000");
        Require(SegmentAge >= TimeSpan.FromMilliseconds(10) && SegmentAge <= TimeSpan.FromDays(1), nameof(SegmentAge), SegmentAge, "from 10 ms to 1 day");
        Require(MaxBufferedBytes >= SegmentBytes && MaxBufferedBytes <= 1 << 30, nameof(MaxBufferedBytes), MaxBufferedBytes, $"from SegmentBytes ({SegmentBytes}) to 1 GiB");
        Require(Enum.IsDefined(Compression), nameof(Compression), Compression, "one of the named values");
        return (RecordLogOptions)MemberwiseClone();
    }

    private static void Require(bool holds, string name, object value, string rule)
    {
        if (!holds)
        {
            throw new MlopsException("records.invalid_option", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"RecordLogOptions.{name} is {value}; it must be {rule}."));
        }
    }
}

/// <summary>How the records of a segment are compressed.</summary>
public enum RecordCompression
{
    /// <summary>Not at all: fastest to write and read.</summary>
    None,

    /// <summary>Deflate (RFC 1951), fastest level.</summary>
    Deflate,

    /// <summary>Brotli (RFC 7932), quality 4.</summary>
    Brotli,
}
