using System.Text.Json;
using System.Text.RegularExpressions;
using Mlops.Sdk.Registry.Tests.Catalog;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Cards;

public sealed class ModelCardTests
{
    private readonly TestStore _store = new();

    private static readonly Gen<string> AnyText = Gen.OneOf(Gen.String[0, 20], Gen.String[Gen.Char["a:\"'\\-#\n\r\t [{&*!|>%@`,]}\u2028\u0085\ufeff中"], 0, 16], RandomLedger.OneOf("---", "\n---\n", "null", "~", "true", "1", "- a", "a: b", "# c", " x "));

    private static readonly Gen<ModelCardMetadata> Metadata = Gen.Select(AnyText, AnyText.Array[0, 4], AnyText.Array[0, 3], Gen.Double.Where(double.IsFinite), AnyText).Select((text, many, more, number, name) => new ModelCardMetadata
    {
        License = text,
        LibraryName = name,
        Tags = many,
        Datasets = more,
        Metrics = many,
        Language = more,
        BaseModel = many,
        ModelName = name,
        Results = [.. more.Select(m => new ModelCardResult(text, m, m, name, text, number))],
    });

    [Fact]
    public async Task A_card_tells_the_facts_and_what_people_wrote()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        #region card
        await discovery.Cards.WriteSectionAsync("fraud", null, "intended-use", "Marks payments for **a person** to look at.", "asked for by audit");
        ModelCard card = await discovery.Cards.CardAsync("fraud", 2);
        string readme = card.ToMarkdown(); // with the front matter of the Hugging Face hub
        string page = card.ToHtml();
        string json = card.ToJson();
        #endregion
        Assert.Equal("Finds fraud in payments", card.Description);
        Assert.Equal(["champion"], card.Aliases);
        Assert.Equal(["bob"], card.Approvals.Select(a => a.By));
        Assert.Equal(["web-1"], card.Deployments.Select(d => d.Host));
        Assert.Equal(["run", "dataset", "source"], card.MadeOf.Select(m => m.Node.Kind));
        Assert.Equal(["out-of-scope", "limitations", "contact"], card.Missing);
        Assert.Contains(card.Changes, c => c.Kind == LedgerKinds.AliasMoved && c.Reason == "best");
        Assert.Contains("Marks payments for **a person** to look at.", readme, StringComparison.Ordinal);
        Assert.Contains("Nobody has written this section yet.", readme, StringComparison.Ordinal);
        Assert.Contains("| auc | 0.76 | 0.74 to 0.78 |", readme, StringComparison.Ordinal);
        Assert.Contains("payments.csv", page, StringComparison.Ordinal);
        Assert.Equal(2, JsonDocument.Parse(json).RootElement.GetProperty("version").GetInt32());
        ModelCardMetadata read = ModelCardMetadata.Read(readme);
        Assert.Equal("mlnet", read.LibraryName);
        Assert.Equal(new ModelCardResult("tabular-classification", "payments.csv", RandomLedger.DigestOf(1).ToString(), "test", "auc", 0.76), Assert.Single(read.Results));
        ModelCard again = await CatalogSearchTests.Discover(workspace).Cards.CardAsync("fraud", 2);
        Assert.Equal((readme, page, json), (again.ToMarkdown(), again.ToHtml(), again.ToJson()));
    }

    [Fact]
    public async Task The_report_of_the_run_adds_candidates_and_weak_slices()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        using MemoryStream report = new("""{"leaderboard":[{"candidate":"trees","metrics":{"auc":{"value":0.8}}},{"candidate":"linear","metrics":{},"problem":"no | luck"}],"evaluation":{"slices":[{"column":"country","value":"DE","rows":120,"metric":"auc","value95":{"value":0.61,"lower":0.5,"upper":0.7}},{"column":"country","value":"FR","rows":3,"metric":"auc"}]},"rejectedByRule":{"amount in range":4}}"""u8.ToArray());
        ArtifactInfo file = await workspace.Artifacts.WriteAsync(report);
        ModelManifest manifest = await workspace.ManifestAsync("fraud");
        await workspace.Registry.RegisterAsync(manifest with { Files = [.. manifest.Files, new ModelFile("run.json", file.Digest, file.Length)] }, "why");
        ModelCard card = await CatalogSearchTests.Discover(workspace).Cards.CardAsync("fraud", 1);
        Assert.Equal(["trees", "linear"], card.Candidates.Select(c => c.Name));
        Assert.Equal(0.61, card.Slices[0].Result!.Value);
        Assert.Null(card.Slices[1].Result);
        Assert.Equal(4, card.RejectedRows["amount in range"]);
        Assert.Contains("| linear |  | no \\| luck |", card.ToMarkdown(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_does_not_read_leaves_the_card_as_it_is()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        int number = 0;
        foreach (string text in (string[])["", "[1]", "{\"leaderboard\":5,\"evaluation\":[],\"rejectedByRule\":{\"a\":\"b\"}}", "{\"leaderboard\":[1,null,{\"metrics\":[]}]}", new string('[', 5_000)])
        {
            using MemoryStream report = new(System.Text.Encoding.UTF8.GetBytes(text));
            ArtifactInfo file = await workspace.Artifacts.WriteAsync(report);
            ModelManifest manifest = await workspace.ManifestAsync("fraud");
            await workspace.Registry.RegisterAsync(manifest with { Files = [.. manifest.Files, new ModelFile("run.json", file.Digest, file.Length)] }, "why");
            Assert.Empty((await CatalogSearchTests.Discover(workspace).Cards.CardAsync("fraud", ++number)).Slices);
        }
    }

    [Fact]
    public async Task A_section_of_a_model_stays_for_later_versions_and_one_of_a_version_stands_before_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        await discovery.Cards.WriteSectionAsync("fraud", null, "limitations", "not for loans", "audit");
        await discovery.Cards.WriteSectionAsync("fraud", 2, "limitations", "not for loans, weak in DE", "slices");
        await workspace.RegisterAsync("fraud", "three");
        Assert.Equal(("not for loans, weak in DE", false), Section(await discovery.Cards.CardAsync("fraud", 2)));
        Assert.Equal(("not for loans", true), Section(await discovery.Cards.CardAsync("fraud", 3)));
        Assert.Equal(1, (await discovery.Catalog.SearchAsync("loans weak version:2")).Total);
        int entries = (await workspace.EntriesAsync()).Count;
        await discovery.Cards.WriteSectionAsync("fraud", null, "limitations", "not for loans", "again");
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
        await discovery.Cards.WriteSectionAsync("fraud", 2, "limitations", "", "mended");
        Assert.Equal(("not for loans", true), Section(await discovery.Cards.CardAsync("fraud", 2)));
        static (string, bool) Section(ModelCard card) => card.Sections.Where(s => s.Name == "limitations").Select(s => (s.Text, s.OfModel)).Single();
    }

    [Fact]
    public async Task A_section_that_breaks_the_rules_is_refused()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        foreach ((string section, string text) in ((string, string)[])[("Intended use", "x"), ("", "x"), ("-a", "x"), ("a", new string('x', 65_537)), ("a", "x\0y"), (new string('a', 65), "x")])
        {
            Assert.Equal("card.invalid_section", (await Assert.ThrowsAsync<MlopsDataException>(async () => await discovery.Cards.WriteSectionAsync("fraud", null, section, text, "why"))).Code);
        }

        for (int i = 0; i < 50; i++)
        {
            await discovery.Cards.WriteSectionAsync("fraud", null, $"s{i}", "x", "why");
        }

        Assert.Equal("card.invalid_section", (await Assert.ThrowsAsync<MlopsDataException>(async () => await discovery.Cards.WriteSectionAsync("fraud", null, "more", "x", "why"))).Code);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.Cards.WriteSectionAsync("fraud", 9, "a", "x", "why"))).Code);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.Cards.CardAsync("none", 1))).Code);
        Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await discovery.Cards.WriteSectionAsync("fraud", null, "a", "x", ""))).Code);
    }

    [Fact]
    public async Task Who_was_refused_to_write_stands_in_the_ledger()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(null, new Guard());
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = CatalogSearchTests.Discover(workspace);
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await discovery.Cards.WriteSectionAsync("fraud", null, "limitations", "none", "why"));
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await discovery.Lineage.LinkAsync(LineageNode.Feature("a"), LineageNode.Feature("b"), "used", "why"));
        Assert.Equal([LedgerKinds.CardEdited, LedgerKinds.Linked], (await workspace.EntriesAsync()).Where(e => e.Outcome == LedgerOutcome.Denied).Select(e => e.Kind));
        Assert.Empty((await discovery.Cards.CardAsync("fraud", 1)).Sections);
        await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.Lineage.ImpactAsync(LineageNode.Feature("a")));
    }

    [Fact]
    public void Any_front_matter_is_the_same_after_writing_and_reading_it_and_no_text_ends_it() => Metadata.Sample(
        metadata =>
        {
            string yaml = metadata.ToYaml();
            string[] lines = yaml.Split('\n');
            Assert.Equal([0, lines.Length - 2], lines.Select((l, i) => (l, i)).Where(p => p.l.Trim() == "---").Select(p => p.i));
            Assert.All(lines[1..^2], l => Assert.Matches("^ *(- )?([a-z_-]+:( (\"([^\"\\\\]|\\\\.)*\"|\\[\\]|-?[0-9.]+(E[+-][0-9]+)?))?|\"([^\"\\\\]|\\\\.)*\")$", l));
            ModelCardMetadata read = ModelCardMetadata.Read(yaml + "\n# title\n---\nlicense: other\n");
            Assert.Equal(Text(metadata), Text(read));
        },
        iter: 2_000);

    [Fact]
    public void Any_text_is_front_matter_or_refused_and_nothing_else() => Gen.OneOf(
        Gen.String[Gen.Char["ab:- \n\"'#[],|>{&\\\t"], 0, 60],
        Gen.Select(Metadata, Gen.Int[0, 200], Gen.Char["\n:-\" '"]).Select((m, at, c) => m.ToYaml()[4..].Insert(Math.Min(at, m.ToYaml().Length - 4), c.ToString()))).Sample(
        text =>
        {
            try
            {
                ModelCardMetadata.Read($"---\n{text}\n---\n");
            }
            catch (MlopsDataException refused)
            {
                Assert.Equal("card.invalid_front_matter", refused.Code);
                Assert.Matches("^Line [0-9]+ of the card: expected ", refused.Message);
            }
        },
        iter: 5_000);

    [Fact]
    public void A_card_from_the_hub_is_read()
    {
        ModelCardMetadata read = ModelCardMetadata.Read("""
            ---
            language:
            - en  # the first
            license: apache-2.0
            library_name: transformers
            tags: [speech, "a, b", 'it''s']
            datasets:
              - common_voice
            base_model: org/base
            model-index:
            - name: XLSR
              results:
              - task:
                  type: automatic-speech-recognition
                  name: Speech Recognition
                dataset:
                  name: Common Voice (fr)
                  type: common_voice
                  args: fr
                metrics:
                - name: Test WER
                  type: wer
                  value: 20.90
                - type: cer
                  value: not yet
            widget:
            - text: |
                first line
                  second
            ---
            # Title
            """);
        Assert.Equal(["en"], read.Language);
        Assert.Equal("apache-2.0", read.License);
        Assert.Equal(["speech", "a, b", "it's"], read.Tags);
        Assert.Equal(["common_voice"], read.Datasets);
        Assert.Equal(["org/base"], read.BaseModel);
        Assert.Equal(new ModelCardResult("automatic-speech-recognition", "Common Voice (fr)", null, null, "wer", 20.9), Assert.Single(read.Results));
        Assert.Null(ModelCardMetadata.Read("# no front matter").License);
    }

    [Fact]
    public void Deep_long_and_tricky_front_matter_is_refused()
    {
        string deep = string.Join('\n', Enumerable.Range(0, 40).Select(i => new string(' ', i) + "a:"));
        foreach (string text in (string[])[deep, string.Concat(Enumerable.Repeat("- ", 400)) + "a", "a: &x 1", "a: *x", "a: !!python/object x", "a: {b: c}", "a: \"open", "\ta: 1", "a: 1\na: 2", "a: 1\n  b: 2", "a: \"\\q\"", "a: \"\\u12\"", "a: [b, [c]]", "a: [b", "just text"])
        {
            Assert.Equal("card.invalid_front_matter", Assert.Throws<MlopsDataException>(() => ModelCardMetadata.Read($"---\n{text}\n---\n")).Code);
        }

        Assert.Equal("card.invalid_front_matter", Assert.Throws<MlopsDataException>(() => ModelCardMetadata.Read("---\n" + new string('a', 70_000) + "\n---\n")).Code);
    }

    [Fact]
    public async Task No_fact_breaks_out_of_the_page_or_the_table()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        const string Evil = "</td><script>alert(1)</script> | [x](javascript:1) <!-- `code` \"q\" 'a'\n---\nlicense: evil";
        ModelManifest manifest = await workspace.ManifestAsync("fraud");
        await workspace.Registry.RegisterAsync(
            manifest with { Algorithm = Evil, Notes = [Evil], Parameters = new Dictionary<string, string> { [Evil] = Evil }, Dataset = new DatasetInfo(Evil, RandomLedger.DigestOf(1), 1, 1), Gates = [new GateResult(Evil, false, Evil, new Dictionary<string, double>())] },
            Evil);
        await workspace.AppendAsync(LedgerKinds.ModelDescribed, new DescriptionNote("fraud", Evil, Evil), CatalogSearchTests.Model("fraud"));
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("fraud", null, "license", Evil), CatalogSearchTests.Model("fraud"));
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("fraud", null, Evil, Evil), CatalogSearchTests.Model("fraud"));
        ModelDiscovery discovery = CatalogSearchTests.Discover(workspace);
        await discovery.Cards.WriteSectionAsync("fraud", null, "limitations", Evil, "why");
        ModelCard card = await discovery.Cards.CardAsync("fraud", 1);
        string html = card.ToHtml();
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<!--", html, StringComparison.Ordinal);
        string facts = (card with { Sections = [] }).ToMarkdown();
        string body = facts[(facts.IndexOf("\n---\n", StringComparison.Ordinal) + 5)..];
        Assert.DoesNotContain("<script", body, StringComparison.OrdinalIgnoreCase);
        Assert.All(body.Split('\n').Where(l => l.StartsWith('|')), l => Assert.InRange(Regex.Count(l, @"(?<!\\)\|"), 2, 6));
        Assert.Equal(Evil, ModelCardMetadata.Read(card.ToMarkdown()).License);
    }

    private sealed class Guard : ILedgerGuard
    {
        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (draft is { Outcome: LedgerOutcome.Done, Kind: LedgerKinds.CardEdited or LedgerKinds.Linked })
            {
                throw new MlopsDeniedException("test.no", "not you");
            }
        }
    }

    private static string Text(ModelCardMetadata m) => string.Join('\u0001', [m.License, m.LibraryName, m.ModelName, "|", .. m.Language, "|", .. m.Tags, "|", .. m.Datasets, "|", .. m.Metrics, "|", .. m.BaseModel, "|", .. m.Results.Select(r => r.ToString())]).Replace('\ud800', '\ufffd');
}
