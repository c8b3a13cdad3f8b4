using System.Buffers.Binary;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>The records of an outcome log. All numbers are little-endian.</summary>
/// <remarks>
/// Prediction: byte 1, id hash (16), version (int32), number of scores (uint16), scores (float32 each), answer (float32), number of expected
/// losses (byte, 0 or 2), expected losses (float32 each: absolute, squared), segment in UTF-8 (length uint16, 0xFFFF for none, then bytes).
/// Truth: byte 2, id hash (16), version (int32, 0 for any), byte 0 and a float64, or byte 1 and a text (length uint16, then bytes).
/// </remarks>
internal static class OutcomeCodec
{
    internal const int MaxSegment = 64;
    internal const int MaxClass = 256;
    private const byte Prediction = 1;
    private const byte Truth = 2;
    private const ushort None = 0xFFFF;

    /// <summary>The most bytes that a prediction takes.</summary>
    internal static int MaxBytes(int scores) => 1 + 16 + 4 + 2 + (4 * scores) + 4 + 1 + 8 + 2 + (MaxSegment * 3);

    internal static int WritePrediction(Span<byte> to, UInt128 id, int version, ReadOnlySpan<float> scores, float answer, ReadOnlySpan<float> losses, ReadOnlySpan<char> segment, bool hasSegment)
    {
        to[0] = Prediction;
        BinaryPrimitives.WriteUInt128LittleEndian(to[1..], id);
        BinaryPrimitives.WriteInt32LittleEndian(to[17..], version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[21..], (ushort)scores.Length);
        int at = 23;
        foreach (float score in scores)
        {
            BinaryPrimitives.WriteSingleLittleEndian(to[at..], score);
            at += 4;
        }

        BinaryPrimitives.WriteSingleLittleEndian(to[at..], answer);
        at += 4;
        to[at++] = (byte)losses.Length;
        foreach (float loss in losses)
        {
            BinaryPrimitives.WriteSingleLittleEndian(to[at..], loss);
            at += 4;
        }

        ReadOnlySpan<char> cut = segment.Length > MaxSegment ? segment[..MaxSegment] : segment;
        int bytes = hasSegment ? Encoding.UTF8.GetBytes(cut, to[(at + 2)..]) : 0;
        BinaryPrimitives.WriteUInt16LittleEndian(to[at..], hasSegment ? (ushort)bytes : None);
        return at + 2 + bytes;
    }

    internal static byte[] WriteTruth(UInt128 id, int version, double number, string? text)
    {
        byte[] bytes = new byte[22 + (text is null ? 8 : 2 + Encoding.UTF8.GetByteCount(text))];
        bytes[0] = Truth;
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(1), id);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(17), version);
        bytes[21] = text is null ? (byte)0 : (byte)1;
        if (text is null)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(22), number);
        }
        else
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(22), (ushort)(bytes.Length - 24));
            Encoding.UTF8.GetBytes(text, bytes.AsSpan(24));
        }

        return bytes;
    }

    /// <summary>Tells the kind and the id of a record.</summary>
    /// <exception cref="MlopsIntegrityException">It is of a kind that a newer version writes, or too short.</exception>
    internal static (bool IsTruth, UInt128 Id) Head(ReadOnlySpan<byte> record) => record switch
    {
        { Length: > 21 } when record[0] is Prediction or Truth => (record[0] == Truth, BinaryPrimitives.ReadUInt128LittleEndian(record[1..])),
        { Length: > 0 } when record[0] > Truth => throw new MlopsIntegrityException("monitoring.newer_format", $"An outcome record of kind {record[0]} was found; this version of the library reads kinds 1 and 2. Update Mlops.Sdk in this process."),
        _ => throw Damaged(),
    };

    internal static StoredPrediction ReadPrediction(ReadOnlySpan<byte> record)
    {
        int version = BinaryPrimitives.ReadInt32LittleEndian(record[17..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(Part(record, 21, 2));
        ReadOnlySpan<byte> rest = Part(record, 23, (4 * count) + 5);
        float[] scores = new float[count];
        for (int i = 0; i < count; i++)
        {
            scores[i] = BinaryPrimitives.ReadSingleLittleEndian(rest[(4 * i)..]);
        }

        float answer = BinaryPrimitives.ReadSingleLittleEndian(rest[(4 * count)..]);
        int losses = rest[(4 * count) + 4];
        int at = 23 + (4 * count) + 5;
        (float absolute, float squared) = losses == 0
            ? (float.NaN, float.NaN)
            : (BinaryPrimitives.ReadSingleLittleEndian(Part(record, at, 4)), BinaryPrimitives.ReadSingleLittleEndian(Part(record, at + 4, 4)));
        at += 4 * losses;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(Part(record, at, 2));
        string? segment = length == None ? null : Encoding.UTF8.GetString(Part(record, at + 2, length));
        return new StoredPrediction(version, scores, answer, absolute, squared, segment);
    }

    internal static (int Version, double Number, string? Text) ReadTruth(ReadOnlySpan<byte> record)
    {
        int version = BinaryPrimitives.ReadInt32LittleEndian(record[17..]);
        return record[21] == 0
            ? (version, BinaryPrimitives.ReadDoubleLittleEndian(Part(record, 22, 8)), null)
            : (version, double.NaN, Encoding.UTF8.GetString(Part(record, 24, BinaryPrimitives.ReadUInt16LittleEndian(Part(record, 22, 2)))));
    }

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> record, int from, int length) =>
        length >= 0 && from <= record.Length - length ? record.Slice(from, length) : throw Damaged();

    private static MlopsIntegrityException Damaged() =>
        new("monitoring.unreadable_outcome", "A record of an outcome log is shorter than its parts say, or of no known kind: something else than this library wrote it. Nothing is measured from this log; restore it from a copy.");
}

/// <summary>A prediction as it stands in the log.</summary>
internal readonly record struct StoredPrediction(int Version, float[] Scores, float Answer, float AbsoluteLoss, float SquaredLoss, string? Segment);
