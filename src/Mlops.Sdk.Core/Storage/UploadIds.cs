using System.Buffers;

namespace Mlops.Sdk;

/// <summary>The names of uploads and stages.</summary>
internal static class UploadIds
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <exception cref="ArgumentException">The id is none.</exception>
    internal static void Check(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id.Length is 0 or > 128 || id.AsSpan().ContainsAnyExcept(Allowed))
        {
            throw new ArgumentException("An upload's id has 1 to 128 of a-z, 0-9 and '-'. Use the hexadecimal digits of the content's digest.", nameof(id));
        }
    }
}
