using System.Text.Json;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Pipelines;

/// <summary>Names a trained model in the step cache.</summary>
/// <param name="Format">The version of this document's format.</param>
/// <param name="Model">The artifact that holds the saved model.</param>
/// <param name="Length">Its length.</param>
internal sealed record TrainedRecord(int Format, Digest Model, long Length)
{
    internal const int CurrentFormat = 1;
}

/// <summary>The records of the step cache, <c>cache/steps/HASH</c>: a line of JSON and a line with its hash, so that a changed bit is never believed.</summary>
internal static class StepCache
{
    internal const string Prefix = "cache/steps/";
    internal const int MaxBytes = 4_096;

    /// <summary>The key of the result of a step whose inputs have a digest.</summary>
    internal static ObjectKey KeyOf(Digest inputs) => ObjectKey.Parse(Prefix + inputs.Hex);

    internal static async ValueTask WriteAsync(IObjectStore store, ObjectKey key, TrainedRecord record, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(SealedLine.Write(JsonSerializer.SerializeToUtf8Bytes(record, PipelineJson.Default.TrainedRecord)), writable: false);
        await store.PutAsync(key, content, PutCondition.Any, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a record; null when there is none.</summary>
    /// <exception cref="FormatException">It is not what was written, or was written by another version.</exception>
    internal static async ValueTask<TrainedRecord?> ReadAsync(IObjectStore store, ObjectKey key, CancellationToken cancellationToken)
    {
        Stream? stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            return Read(await BoundedReading.ReadAllAsync(stream, MaxBytes, cancellationToken).ConfigureAwait(false) ?? throw new FormatException($"it has more than {MaxBytes} bytes"));
        }
    }

    /// <exception cref="FormatException">It is not what was written, or was written by another version.</exception>
    internal static TrainedRecord Read(ReadOnlySpan<byte> bytes)
    {
        TrainedRecord record = Parse(SealedLine.ReadWhole(bytes)) ?? throw new FormatException("its line is no record");
        return record is { Format: TrainedRecord.CurrentFormat, Model.HasValue: true, Length: > 0 and <= ModelZip.MaxBytes }
            ? record
            : throw new FormatException($"it has format {record.Format}, or members that cannot be");
    }

    /// <summary>Tells whether bytes are a record of the time before records had a hash: it is passed over.</summary>
    internal static bool IsUnsealed(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Parse(bytes) is { Model.HasValue: true };
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static TrainedRecord? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, PipelineJson.Default.TrainedRecord);
        }
        catch (Exception error) when (error is JsonException or MlopsIntegrityException)
        {
            throw new FormatException($"its line does not read ({error.Message})", error);
        }
    }
}
