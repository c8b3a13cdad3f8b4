namespace Mlops.Sdk.Registry;

/// <summary>The bytes of a catalog's facts: models in order, then versions in order, every list in its sorted order.</summary>
internal static class CatalogSnapshot
{
    internal static void Write(FactWriter to, ModelFacts model)
    {
        to.Text(model.Name);
        to.Optional(model.Description);
        to.Optional(model.Owner);
        Write(to, model.Tags);
        Write(to, model.Sections);
        Write(to, model.Aliases);
        Write(to, model.Hosts);
        to.Flag(model.NewerEntry is not null);
        if (model.NewerEntry is { } newer)
        {
            to.Number(newer);
            to.Number(model.NewerFormat);
        }
    }

    internal static ModelFacts ReadModel(ref FactReader from, int ordinal)
    {
        ModelFacts model = new(from.Text(), ordinal) { Description = from.OptionalText(), Owner = from.OptionalText() };
        Read(ref from, model.Tags);
        Read(ref from, model.Sections);
        Read(ref from, model.Aliases);
        Read(ref from, model.Hosts);
        if (from.Flag())
        {
            model.NewerEntry = from.Number();
            model.NewerFormat = from.Number(0, int.MaxValue);
        }

        return model;
    }

    internal static void Write(FactWriter to, VersionFacts version)
    {
        to.Number(version.Model.Ordinal);
        to.Text(version.Digest.Hex);
        to.Number((int)version.Status);
        to.Optional(version.RunId);
        to.Number(version.Parent ?? 0);
        to.Text(version.By);
        to.Optional(version.OnBehalfOf);
        to.Number(version.At);
        to.Text(version.Reason);
        to.Number(version.Task is { } task ? (int)task : -1);
        to.Optional(version.Format);
        to.Optional(version.Algorithm);
        to.Number(version.Metrics.Count);
        foreach ((string name, MetricValue metric) in version.Metrics)
        {
            to.Text(name);
            to.Real(metric.Value);
            to.Optional(metric.Lower);
            to.Optional(metric.Upper);
        }

        to.Flag(version.Dataset is not null);
        if (version.Dataset is { } dataset)
        {
            to.Text(dataset.Source);
            to.Text(dataset.Fingerprint.Hex);
            to.Number(dataset.Rows);
            to.Number(dataset.Rejected);
            to.Optional(dataset.From);
            to.Optional(dataset.To);
            to.Number(dataset.TrainingRows);
            to.Number(dataset.TestRows);
        }

        to.Optional(version.Stage);
        to.Number((version.Deprecated ? 1 : 0) | (version.Deleted ? 2 : 0) | (version.Watched ? 4 : 0) | (version.Signed ? 8 : 0));
        to.Number(version.Successor ?? 0);
        Write(to, version.Tags);
        Write(to, version.Sections);
        to.Number(version.Approvals.Count);
        foreach ((string by, long at) in version.Approvals)
        {
            to.Text(by);
            to.Number(at);
        }

        Write(to, version.OpenAlerts);
    }

    internal static VersionFacts ReadVersion(ref FactReader from, List<ModelFacts> models, int ordinal)
    {
        ModelFacts model = models[from.Number(0, models.Count - 1)];
        VersionFacts version = new(model, model.Versions.Count + 1, ordinal)
        {
            Digest = ReadDigest(ref from),
            Status = (VersionStatus)from.Number(0, (int)VersionStatus.Rejected),
            RunId = from.OptionalText(),
            Parent = from.Number(0, int.MaxValue) is var parent && parent != 0 ? parent : null,
            By = from.Text(),
            OnBehalfOf = from.OptionalText(),
            At = from.Number(),
            Reason = from.Text(),
            Task = from.Number(-1, (int)ModelTask.Regression) is var task && task >= 0 ? (ModelTask)task : null,
            Format = from.OptionalText(),
            Algorithm = from.OptionalText(),
        };
        if (version.At < DateTimeOffset.MinValue.Ticks || version.At > DateTimeOffset.MaxValue.Ticks)
        {
            throw FactReader.Broken();
        }

        var metrics = new KeyValuePair<string, MetricValue>[from.Count()];
        for (int i = 0; i < metrics.Length; i++)
        {
            metrics[i] = KeyValuePair.Create(from.Text(), new MetricValue(from.Real(), from.OptionalReal(), from.OptionalReal()));
        }

        version.Metrics = metrics;
        if (from.Flag())
        {
            version.Dataset = new DatasetInfo(from.Text(), ReadDigest(ref from), from.Number(), from.Number())
            {
                From = from.OptionalText(),
                To = from.OptionalText(),
                TrainingRows = from.Number(),
                TestRows = from.Number(),
            };
        }

        version.Stage = from.OptionalText();
        int flags = from.Number(0, 15);
        (version.Deprecated, version.Deleted, version.Watched, version.Signed) = ((flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0);
        version.Successor = from.Number(0, int.MaxValue) is var successor && successor != 0 ? successor : null;
        Read(ref from, version.Tags);
        Read(ref from, version.Sections);
        for (int left = from.Count(); left > 0; left--)
        {
            version.Approvals.Add(KeyValuePair.Create(from.Text(), from.Number()));
        }

        Read(ref from, version.OpenAlerts);
        model.Versions.Add(version);
        return version;
    }

    internal static Digest ReadDigest(ref FactReader from) => Digest.TryParse($"sha256:{from.Text()}", out Digest digest) ? digest : throw FactReader.Broken();

    private static void Write(FactWriter to, List<KeyValuePair<string, string>> pairs)
    {
        to.Number(pairs.Count);
        foreach ((string key, string value) in pairs)
        {
            to.Text(key);
            to.Text(value);
        }
    }

    private static void Read(ref FactReader from, List<KeyValuePair<string, string>> pairs)
    {
        for (int left = from.Count(); left > 0; left--)
        {
            pairs.Add(KeyValuePair.Create(from.Text(), from.Text()));
        }
    }

    private static void Write(FactWriter to, List<KeyValuePair<string, int>> pairs)
    {
        to.Number(pairs.Count);
        foreach ((string key, int value) in pairs)
        {
            to.Text(key);
            to.Number(value);
        }
    }

    private static void Read(ref FactReader from, List<KeyValuePair<string, int>> pairs)
    {
        for (int left = from.Count(); left > 0; left--)
        {
            pairs.Add(KeyValuePair.Create(from.Text(), from.Number(int.MinValue, int.MaxValue)));
        }
    }

    private static void Write(FactWriter to, List<KeyValuePair<string, SectionFacts>> sections)
    {
        to.Number(sections.Count);
        foreach ((string name, SectionFacts section) in sections)
        {
            to.Text(name);
            to.Text(section.Text);
            to.Text(section.By);
            to.Number(section.At);
            to.Text(section.Reason);
            to.Number(section.Entry);
        }
    }

    private static void Read(ref FactReader from, List<KeyValuePair<string, SectionFacts>> sections)
    {
        for (int left = from.Count(); left > 0; left--)
        {
            sections.Add(KeyValuePair.Create(from.Text(), new SectionFacts(from.Text(), from.Text(), from.Number(), from.Text(), from.Number())));
        }
    }
}
