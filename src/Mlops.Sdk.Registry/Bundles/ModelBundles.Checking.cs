using System.Buffers;
using System.IO.Hashing;
using System.Security.Cryptography;

namespace Mlops.Sdk.Registry;

/// <content>What a bundle says, checked against its bytes.</content>
public sealed partial class ModelBundles
{
    /// <summary>Reads what a bundle says and checks every byte of it against that.</summary>
    private static async ValueTask<Content> CheckAsync(Stream zip, BundleImportOptions options, CancellationToken cancellationToken)
    {
        Dictionary<string, ZipEntry> entries = await BundleZip.ReadAsync(zip, options.MaxBytes, cancellationToken).ConfigureAwait(false);
        byte[] documentBytes = await ReadPartAsync(zip, entries, BundleNames.Document, BundleDocument.MaxBytes, cancellationToken).ConfigureAwait(false);
        if (Crc32.HashToUInt32(documentBytes) != entries[BundleNames.Document].Checksum)
        {
            throw new MlopsIntegrityException("bundle.corrupt", $"'{BundleNames.Document}' of the bundle is not what its checksum says. Nothing was stored; export the version again.");
        }

        BundleDocument document = BundleDocument.Read(documentBytes);
        CheckList(document, entries);
        CheckFacts(document.Facts);
        byte[] manifestBytes = await ReadPartAsync(zip, entries, BundleNames.Manifest, RegistryRules.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
        if (Digest.Of(manifestBytes) != document.Manifest)
        {
            throw Corrupt(BundleNames.Manifest);
        }

        ModelManifest manifest = ReadManifest(document, manifestBytes);
        CheckFiles(document, manifest);
        int lines = 0;
        foreach (BundleEntry entry in document.Entries)
        {
            lines += await HashAsync(zip, entries[entry.Name], entry, cancellationToken).ConfigureAwait(false);
        }

        return new Content(document, manifest, entries, lines);
    }

    private static void CheckList(BundleDocument document, Dictionary<string, ZipEntry> entries)
    {
        HashSet<string> listed = new(StringComparer.Ordinal) { BundleNames.Document };
        foreach (BundleEntry entry in document.Entries)
        {
            if (!BundleNames.IsAllowed(entry.Name) || !listed.Add(entry.Name))
            {
                throw BundleZip.Unsafe($"it lists {RegistryRules.Show(entry.Name)}, which is no name in a bundle or is listed twice");
            }

            if (!entries.TryGetValue(entry.Name, out ZipEntry? there))
            {
                throw Incomplete(entry.Name);
            }

            if (there.Length != entry.Length)
            {
                throw Corrupt(entry.Name);
            }
        }

        if (entries.Keys.FirstOrDefault(n => !listed.Contains(n)) is { } stranger)
        {
            throw BundleZip.Unsafe($"it holds '{stranger}', which its list does not name");
        }

        foreach (string needed in (ReadOnlySpan<string>)[BundleNames.Manifest, BundleNames.Lineage])
        {
            if (!listed.Contains(needed))
            {
                throw Incomplete(needed);
            }
        }

        if (document.Entries.Count(e => e.Name.StartsWith(BundleNames.Signatures, StringComparison.Ordinal)) > MaxSignatures
            || document.Entries.Any(e => e.Name.StartsWith(BundleNames.Signatures, StringComparison.Ordinal) && e.Length > MaxSignatureBytes)
            || document.Entries.Any(e => e.Name == BundleNames.Lineage && e.Length > MaxLineageBytes * 2L))
        {
            throw BundleZip.Unsafe($"it has more than {MaxSignatures} signatures, a signature of more than {MaxSignatureBytes} bytes, or more lineage than a bundle can have");
        }
    }

    private static void CheckFiles(BundleDocument document, ModelManifest manifest)
    {
        Dictionary<string, BundleEntry> listed = document.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
        foreach (ModelFile file in manifest.Files)
        {
            if (!listed.TryGetValue(BundleNames.Files + file.Name, out BundleEntry? entry))
            {
                throw Incomplete(BundleNames.Files + file.Name);
            }

            if (entry.Digest != file.Digest || entry.Length != file.Length)
            {
                throw Corrupt(entry.Name);
            }
        }

        if (document.Entries.Count(e => e.Name.StartsWith(BundleNames.Files, StringComparison.Ordinal)) != manifest.Files.Count)
        {
            throw BundleZip.Unsafe("it holds files that the version's manifest does not name");
        }
    }

    private static void CheckFacts(BundleFacts? facts)
    {
        if (facts is null)
        {
            return;
        }

        if (facts.Description is { Length: > 4_000 } || facts.Owner is { Length: > 256 } || facts.Tags is { Count: > MaxTags } || facts.Card is { Count: > MaxSections }
            || facts.Card?.Any(c => c is not { Key.Length: >= 1 and <= 64, Value.Length: >= 1 and <= 100_000 } || c.Key.Any(k => !(char.IsAsciiLetterLower(k) || char.IsAsciiDigit(k) || k is '-' or '_'))) == true)
        {
            throw BundleZip.Unsafe("what people wrote about the version is more, longer, or named otherwise than the registry allows");
        }

        foreach ((string key, string value) in facts.Tags ?? new Dictionary<string, string>())
        {
            RegistryRules.CheckTagKey(key);
            RegistryRules.CheckTagValue(value);
        }
    }

    private static ModelManifest ReadManifest(BundleDocument document, byte[] bytes)
    {
        try
        {
            return ManifestDocument.Read(new ModelVersion(document.Model, document.Source.Version, document.Manifest, document.Status, null, document.Source.Reason, new Actor(document.Source.By), document.Source.At), bytes);
        }
        catch (MlopsIntegrityException error) when (error.Code == "registry.unreadable_manifest")
        {
            throw new MlopsDataException("bundle.unreadable", $"The '{BundleNames.Manifest}' of the bundle is no manifest of model '{document.Model}'. Nothing was stored.", error);
        }
    }

    private static async ValueTask<byte[]> ReadPartAsync(Stream zip, Dictionary<string, ZipEntry> entries, string name, int maxBytes, CancellationToken cancellationToken)
    {
        if (!entries.TryGetValue(name, out ZipEntry? entry))
        {
            throw Incomplete(name);
        }

        Stream part = BundleZip.Open(zip, entry);
        await using (part.ConfigureAwait(false))
        {
            return entry.Length <= maxBytes && await SmallObjects.ReadAsync(part, maxBytes, cancellationToken).ConfigureAwait(false) is { } bytes
                ? bytes
                : throw BundleZip.Unsafe($"'{name}' has {entry.Length} bytes, {maxBytes} are allowed");
        }
    }

    /// <summary>Reads an entry whole and checks its digest.</summary>
    /// <returns>How many lines it has when it is the lineage; else 0.</returns>
    private static async ValueTask<int> HashAsync(Stream zip, ZipEntry entry, BundleEntry stated, CancellationToken cancellationToken)
    {
        int lines = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        try
        {
            Stream part = BundleZip.Open(zip, entry);
            await using (part.ConfigureAwait(false))
            {
                while (await part.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
                {
                    hash.AppendData(buffer.AsSpan(0, read));
                    lines += stated.Name == BundleNames.Lineage ? buffer.AsSpan(0, read).Count((byte)'\n') : 0;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return Digest.FromHash(hash.GetHashAndReset()) == stated.Digest ? lines : throw Corrupt(stated.Name);
    }
}
