namespace Mlops.Sdk;

/// <summary>Where artifacts are in a store: <c>artifacts/sha256/</c>, the first two digits, the whole 64.</summary>
internal static class ArtifactKeys
{
    internal const string Prefix = "artifacts/sha256/";

    internal static ObjectKey Of(Digest digest) => ObjectKey.Parse($"{Prefix}{digest.Hex[..2]}/{digest.Hex}");

    internal static bool TryParse(ObjectKey key, out Digest digest)
    {
        string text = key.Value;
        if (text.Length == Prefix.Length + 67 && text.StartsWith(Prefix, StringComparison.Ordinal) && Digest.TryParse($"sha256:{text[^64..]}", out digest) && Of(digest) == key)
        {
            return true;
        }

        digest = default;
        return false;
    }
}
