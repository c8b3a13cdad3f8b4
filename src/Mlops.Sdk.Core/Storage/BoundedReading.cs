using System.Buffers;

namespace Mlops.Sdk;

/// <summary>Reads streams whose length is not to be believed.</summary>
internal static class BoundedReading
{
    /// <summary>Reads to the end, growing only with what really comes.</summary>
    /// <returns>The bytes, or null when there are more than allowed.</returns>
    internal static async ValueTask<byte[]?> ReadAllAsync(Stream stream, long maxLength, CancellationToken cancellationToken)
    {
        if (stream is MemoryStream { Position: 0 } memory && memory.Length <= maxLength && memory.TryGetBuffer(out ArraySegment<byte> all) && all.Offset == 0 && all.Array!.Length == all.Count)
        {
            return all.Array; // a small object of the folder store: read whole already, for us alone
        }

        var buffer = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            Memory<byte> free = buffer.GetMemory(4096);
            int read = await stream.ReadAsync(free, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return buffer.WrittenSpan.ToArray();
            }

            buffer.Advance(read);
            if (buffer.WrittenCount > maxLength)
            {
                return null;
            }
        }
    }
}
