using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Data;

/// <summary>Names a table by its content.</summary>
public static class Fingerprint
{
    /// <summary>Hashes names, kinds and values of all columns, row order included. Equal content gives equal fingerprints wherever it came from.</summary>
    /// <param name="table">The table.</param>
    /// <returns>The SHA-256 digest of a length-prefixed encoding.</returns>
    public static Digest Of(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, table.Columns.Count);
        Add(hash, table.Rows);
        foreach (Column column in table.Columns)
        {
            Add(hash, column.Name);
            switch (column)
            {
                case NumberColumn numbers:
                    Add(hash, 1);
                    Add(hash, (int)numbers.Kind);
                    // one pattern for all NaN and for both zeros: they are the same value
                    double[] canonical = Array.ConvertAll(numbers.Values, v => double.IsNaN(v) ? double.NaN : v + 0.0);
                    hash.AppendData(MemoryMarshal.AsBytes<double>(canonical));
                    break;
                case TimeColumn times:
                    Add(hash, 2);
                    hash.AppendData(MemoryMarshal.AsBytes<long>(times.Ticks));
                    break;
                case TextColumn texts:
                    Add(hash, 3);
                    AddTexts(hash, texts);
                    break;
            }
        }

        return Digest.FromHash(hash.GetHashAndReset());
    }

    private static void AddTexts(IncrementalHash hash, TextColumn column)
    {
        // codes are renumbered in order of first use, so that how the dictionary came about does not matter
        int[] renumbered = new int[column.Dictionary.Length];
        Array.Fill(renumbered, -1);
        var used = new List<int>();
        int[] codes = Array.ConvertAll(column.Codes, code =>
        {
            if (code >= 0 && renumbered[code] < 0)
            {
                renumbered[code] = used.Count;
                used.Add(code);
            }

            return code < 0 ? -1 : renumbered[code];
        });
        Add(hash, used.Count);
        foreach (int code in used)
        {
            Add(hash, column.Dictionary[code]);
        }

        hash.AppendData(MemoryMarshal.AsBytes<int>(codes));
    }

    private static void Add(IncrementalHash hash, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }

    private static void Add(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Add(hash, bytes.Length);
        hash.AppendData(bytes);
    }
}
