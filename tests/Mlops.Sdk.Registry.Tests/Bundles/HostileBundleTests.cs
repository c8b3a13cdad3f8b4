using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Bundles;

/// <summary>Bundles that somebody made to do harm, or that were damaged on their way: refused before anything is stored.</summary>
public sealed class HostileBundleTests
{
    private static readonly string[] Codes = ["bundle.unreadable", "bundle.unsafe", "bundle.incomplete", "bundle.too_large", "bundle.corrupt", "bundle.newer_format", "registry.newer_format", "registry.invalid_tag"];

    [Fact]
    public async Task Every_flipped_bit_is_refused_or_harmless()
    {
        (byte[] bundle, Digest digest) = await BundleAsync();
        int harmless = 0;
        for (int bit = 0; bit < bundle.Length * 8; bit++)
        {
            byte[] flipped = [.. bundle];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            using MemoryStream zip = new(flipped, writable: false);
            if (await CodeAsync(zip) is { } code)
            {
                Assert.Contains(code, Codes);
                continue;
            }

            zip.Position = 0;
            BundleInfo info = await ModelBundles.ReadAsync(zip);
            Assert.Equal(digest, info.Manifest);
            harmless++;
        }

        Assert.InRange(harmless, 1, bundle.Length * 8 / 4); // times, versions and descriptors that nobody reads
    }

    [Fact]
    public async Task Every_truncation_is_refused_and_so_is_anything_behind_the_end()
    {
        (byte[] bundle, _) = await BundleAsync();
        for (int length = 0; length < bundle.Length; length++)
        {
            using MemoryStream zip = new(bundle, 0, length, writable: false);
            Assert.Contains(await CodeAsync(zip), Codes);
        }

        Assert.Equal("bundle.unreadable", await CodeAsync([.. bundle, 0]));
        Assert.Equal("bundle.unsafe", await CodeAsync([0, .. bundle]));
    }

    [Fact]
    public async Task Random_damage_of_any_kind_is_refused_or_harmless()
    {
        (byte[] bundle, Digest digest) = await BundleAsync();
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, bundle.Length - 1], Gen.Int[1, 64], Gen.Byte.Array[64]).Sample(
            (kind, at, length, noise) =>
            {
                length = Math.Min(length, bundle.Length - at);
                byte[] damaged = kind switch
                {
                    0 => [.. bundle[..at], .. bundle[(at + length)..]],
                    1 => [.. bundle[..at], .. noise[..length], .. bundle[(at + length)..]],
                    2 => [.. bundle[..at], .. noise[..length], .. bundle[at..]],
                    _ => [.. bundle[..at], .. bundle[at..(at + length)], .. bundle[at..]],
                };
                return IsRefusedOrHarmlessAsync(damaged, digest).GetAwaiter().GetResult();
            },
            iter: 2_000,
            threads: 1);
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("files/../../escape")]
    [InlineData("files/a/b")]
    [InlineData("/etc/passwd")]
    [InlineData("..\\escape")]
    [InlineData("C:\\windows\\x")]
    [InlineData("files/")]
    [InlineData("files/..")]
    [InlineData("FILES/model.zip")]
    [InlineData("files/Model.zip")]
    [InlineData("files/mod\u00e9l.zip")]
    [InlineData("bundle.json ")]
    [InlineData("extra.txt")]
    public async Task A_name_that_no_bundle_has_is_refused(string name)
    {
        byte[] zip = await RepackAsync(entries => entries.Add((name, "x"u8.ToArray())));
        Assert.Equal("bundle.unsafe", await CodeAsync(zip));
    }

    [Fact]
    public async Task Names_that_come_twice_are_refused() =>
        Assert.Equal("bundle.unsafe", await CodeAsync(await RepackAsync(entries => entries.Add(("files/model.zip", "another"u8.ToArray())))));

    [Fact]
    public async Task A_file_that_the_list_or_the_manifest_does_not_name_is_refused()
    {
        Assert.Equal("bundle.unsafe", await CodeAsync(await RepackAsync(entries => entries.Add(("files/more.bin", "x"u8.ToArray())))));
        Assert.Equal("bundle.unsafe", await CodeAsync(await RewriteAsync((document, entries) =>
        {
            entries.Add(("files/more.bin", "x"u8.ToArray()));
            document["entries"]!.AsArray().Add(new JsonObject { ["name"] = "files/more.bin", ["digest"] = Digest.Of("x"u8).ToString(), ["length"] = 1 });
        })));
    }

    [Theory]
    [InlineData("files/model.zip")]
    [InlineData("manifest.json")]
    [InlineData("ledger.jsonl")]
    [InlineData("bundle.json")]
    public async Task A_missing_file_is_told(string name) =>
        Assert.Equal("bundle.incomplete", await CodeAsync(await RepackAsync(entries => entries.RemoveAll(e => e.Name == name))));

    [Theory]
    [InlineData("files/model.zip")]
    [InlineData("manifest.json")]
    [InlineData("ledger.jsonl")]
    public async Task Content_that_is_not_what_its_digest_says_is_told(string name) =>
        Assert.Equal("bundle.corrupt", await CodeAsync(await RepackAsync(entries =>
        {
            int at = entries.FindIndex(e => e.Name == name);
            byte[] other = [.. entries[at].Bytes];
            other[^1] ^= 1;
            entries[at] = (name, other);
        })));

    [Fact]
    public async Task A_manifest_of_other_files_of_another_model_or_none_is_refused()
    {
        Assert.Equal("bundle.corrupt", await CodeAsync(await WithManifestAsync(m => m["files"]![0]!["digest"] = Digest.Of("other"u8).ToString())));
        Assert.Equal("bundle.incomplete", await CodeAsync(await WithManifestAsync(m => m["files"]![0]!["name"] = "other.zip")));
        Assert.Equal("bundle.unreadable", await CodeAsync(await WithManifestAsync(m => m["model"] = "another")));
        Assert.Equal("bundle.unreadable", await CodeAsync(await WithManifestAsync(m => m.Remove("schema"))));
        Assert.Equal("registry.newer_format", await CodeAsync(await WithManifestAsync(m => m["format"] = 99)));
    }

    [Fact]
    public async Task A_document_that_is_hostile_is_refused_and_unknown_members_are_passed_over()
    {
        Assert.Equal("bundle.newer_format", await CodeAsync(await RewriteAsync((d, _) => d["format"] = 2)));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RewriteAsync((d, _) => d["format"] = 0)));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RewriteAsync((d, _) => d["model"] = "../x")));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RewriteAsync((d, _) => d.Remove("source"))));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RewriteAsync((d, _) => d["entries"]!.AsArray().Add((JsonNode?)null))));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RewriteAsync((d, _) => d["status"] = "Perfect")));
        Assert.Equal("bundle.unsafe", await CodeAsync(await RewriteAsync((d, _) => d["facts"] = new JsonObject { ["card"] = new JsonObject { ["../x"] = "text" } })));
        Assert.Equal("registry.invalid_tag", await CodeAsync(await RewriteAsync((d, _) => d["facts"] = new JsonObject { ["tags"] = new JsonObject { ["a b"] = "text" } })));
        Assert.Equal("bundle.unsafe", await CodeAsync(await RewriteAsync((d, _) => d["facts"] = new JsonObject { ["description"] = new string('x', 5_000) })));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RepackAsync(e => e[0] = ("bundle.json", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("[", 5_000)))))));
        Assert.Equal("bundle.unreadable", await CodeAsync(await RepackAsync(e => e[0] = ("bundle.json", Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(e[0].Bytes).Insert(1, "\"model\":\"other\","))))));
        Assert.Equal("bundle.unsafe", await CodeAsync(await RepackAsync(e => e[0] = ("bundle.json", new byte[5 << 20]))));
        Assert.Null(await CodeAsync(await RewriteAsync((d, _) => d["later"] = new JsonObject { ["x"] = 1 })));
    }

    [Fact]
    public async Task Bombs_are_refused_by_what_they_say_and_by_what_they_are()
    {
        Assert.Equal("bundle.unsafe", await CodeAsync(await RepackAsync(e => e.Add(("files/bomb.bin", new byte[64 << 20])), CompressionLevel.Optimal)));
        byte[] liar = await RepackAsync(e => e[3] = (e[3].Name, e[3].Bytes), CompressionLevel.Optimal);
        byte[] smaller = Patch(liar, "files/model.zip", 24, 3); // says it unpacks to 3 bytes
        Assert.Equal("bundle.corrupt", await CodeAsync(smaller));
        using MemoryStream large = new((await BundleAsync()).Bundle, writable: false);
        Assert.Equal("bundle.too_large", await CodeAsync(large, new BundleImportOptions { MaxBytes = 100 }));
    }

    [Fact]
    public async Task Encrypted_entries_links_folders_and_other_methods_are_refused()
    {
        (byte[] bundle, _) = await BundleAsync();
        Assert.Equal("bundle.unsafe", await CodeAsync(Patch(bundle, "files/model.zip", 8, 0x0809, 2)));                          // encrypted
        Assert.Equal("bundle.unsafe", await CodeAsync(Patch(bundle, "files/model.zip", 10, 99, 2)));                             // AES
        Assert.Equal("bundle.unsafe", await CodeAsync(Patch(bundle, "files/model.zip", 38, unchecked((int)0xA1FF0000))));        // a symbolic link
        Assert.Equal("bundle.unsafe", await CodeAsync(Patch(bundle, "files/model.zip", 38, 0x41ED0010)));                        // a folder
        Assert.Equal("bundle.unsafe", await CodeAsync(Patch(bundle, "files/model.zip", 42, 0)));                                 // lies where another one lies
        Assert.Equal("bundle.unsafe", await CodeAsync(Patch(bundle, "files/model.zip", 20, int.MaxValue)));                      // reaches over the end
    }

    [Fact]
    public async Task Nothing_is_stored_of_a_bundle_that_is_refused()
    {
        InMemoryObjectStore objects = new();
        await using TestWorkspace workspace = await new TestStore { Store = objects }.OpenAsync();
        byte[] bad = await RepackAsync(entries => entries[^1] = (entries[^1].Name, "not the manifest"u8.ToArray()));
        using MemoryStream zip = new(bad, writable: false);
        await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await ModelBundlesTests.Bundles(workspace).ImportAsync(zip, "why"));
        Assert.Empty(await objects.ListAsync("").ToArrayAsync());
    }

    private static async Task<(byte[] Bundle, Digest Digest)> BundleAsync()
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        ModelVersion version = await workspace.RegisterAsync();
        return (await ModelBundlesTests.ExportAsync(workspace), version.Digest);
    }

    private static async Task<bool> IsRefusedOrHarmlessAsync(byte[] bundle, Digest digest)
    {
        if (await CodeAsync(bundle) is { } code)
        {
            return Codes.Contains(code);
        }

        using MemoryStream zip = new(bundle, writable: false);
        return (await ModelBundles.ReadAsync(zip)).Manifest == digest;
    }

    internal static async Task<string?> CodeAsync(byte[] bundle)
    {
        using MemoryStream zip = new(bundle, writable: false);
        return await CodeAsync(zip);
    }

    private static async Task<string?> CodeAsync(Stream zip, BundleImportOptions? options = null)
    {
        try
        {
            await ModelBundles.ReadAsync(zip, options);
            return null;
        }
        catch (MlopsException error)
        {
            return error.Code;
        }
    }

    /// <summary>Takes a good bundle apart, lets a test change it, and packs it with an ordinary zip library.</summary>
    private static async Task<byte[]> RepackAsync(Action<List<(string Name, byte[] Bytes)>> change, CompressionLevel level = CompressionLevel.NoCompression)
    {
        (byte[] bundle, _) = await BundleAsync();
        List<(string Name, byte[] Bytes)> entries = [];
        using (ZipArchive zip = new(new MemoryStream(bundle)))
        {
            foreach (ZipArchiveEntry entry in zip.Entries)
            {
                using MemoryStream bytes = new();
                await using Stream stream = entry.Open();
                await stream.CopyToAsync(bytes);
                entries.Add((entry.FullName, bytes.ToArray()));
            }
        }

        change(entries);
        using MemoryStream packed = new();
        using (ZipArchive zip = new(packed, ZipArchiveMode.Create, leaveOpen: true, Encoding.Latin1))
        {
            foreach ((string name, byte[] bytes) in entries)
            {
                await using Stream stream = zip.CreateEntry(name, level).Open();
                await stream.WriteAsync(bytes);
            }
        }

        return packed.ToArray();
    }

    private static Task<byte[]> RewriteAsync(Action<JsonObject, List<(string Name, byte[] Bytes)>> change) => RepackAsync(entries =>
    {
        JsonObject document = JsonNode.Parse(entries[0].Bytes)!.AsObject();
        change(document, entries);
        entries[0] = ("bundle.json", Encoding.UTF8.GetBytes(document.ToJsonString()));
    });

    /// <summary>Changes the manifest and makes everything else fit it.</summary>
    private static Task<byte[]> WithManifestAsync(Action<JsonObject> change) => RewriteAsync((document, entries) =>
    {
        int at = entries.FindIndex(e => e.Name == "manifest.json");
        JsonObject manifest = JsonNode.Parse(entries[at].Bytes)!.AsObject();
        change(manifest);
        byte[] bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        entries[at] = ("manifest.json", bytes);
        document["manifest"] = Digest.Of(bytes).ToString();
        JsonNode listed = document["entries"]!.AsArray().Single(e => e!["name"]!.GetValue<string>() == "manifest.json")!;
        listed["digest"] = Digest.Of(bytes).ToString();
        listed["length"] = bytes.Length;
    });

    /// <summary>Changes a number in the directory's record of an entry.</summary>
    private static byte[] Patch(byte[] bundle, string name, int offset, int value, int size = 4)
    {
        byte[] patched = [.. bundle];
        int at = patched.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(name)) - 46;
        Assert.Equal(0x02014b50u, BinaryPrimitives.ReadUInt32LittleEndian(patched.AsSpan(at)));
        if (size == 2)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(patched.AsSpan(at + offset), (ushort)value);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(patched.AsSpan(at + offset), value);
        }

        return patched;
    }
}
