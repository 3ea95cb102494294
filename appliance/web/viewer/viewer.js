/* The configuration of OHIF, which reads `window.config` before it starts. `appliance` comes from the settings. */

console.time('scriptToView'); // which its build ends
window.PUBLIC_URL = '/';
window.browserImportFunction = module => import(module);

/* Shows what the appliance found as soon as the images are there: OHIF itself waits to be asked for each result. */
const resultsAtOpening = ({ servicesManager }) => {
  const { cornerstoneViewportService, displaySetService, segmentationService, userAuthenticationService } =
    servicesManager.services;
  const shown = new Set();
  // of this study alone: two segmentations of the same colour in two viewports turn one of them black, and hide what is there
  const study = new URLSearchParams(window.location.search).get('StudyInstanceUIDs')?.split(',')[0];

  const show = async (overlay, viewportId, isFirst) => {
    await overlay.load({ headers: userAuthenticationService.getAuthorizationHeader() });
    const segmentationId = overlay.displaySetInstanceUID;
    await segmentationService.addSegmentationRepresentation(viewportId, { segmentationId, type: 'Labelmap' });
    if (isFirst) {
      const [alpha, highlight] = [undefined, false];
      segmentationService.jumpToSegmentCenter(segmentationId, 1, viewportId, alpha, highlight);
    }
  };

  const overlaysOf = displaySetInstanceUID =>
    displaySetService
      .getActiveDisplaySets()
      .filter(item => item.Modality === 'SEG' && item.referencedDisplaySetInstanceUID === displaySetInstanceUID)
      .filter(item => item.StudyInstanceUID === study && !shown.has(item.displaySetInstanceUID));

  // one after another, in the order of the series
  let before = Promise.resolve();
  return ({ viewportId, viewportData }) => {
    for (const { displaySetInstanceUID } of viewportData?.data ?? []) {
      overlaysOf(displaySetInstanceUID).forEach((overlay, index) => {
        shown.add(overlay.displaySetInstanceUID);
        before = before
          .then(() => show(overlay, viewportId, index === 0))
          .catch(error => console.error('a segmentation could not be shown', error));
      });
    }
  };
};

/* One study fills the screen; a second one, which the link names as the prior, stands beside it. */
const hanging = (id, name, columns, matchingRules) => {
  const selector = study => ({
    studyMatchingRules: [
      { attribute: 'studyInstanceUIDsIndex', from: 'options', required: true, constraint: { equals: { value: study } } },
    ],
    seriesMatchingRules: [
      { attribute: 'numImageFrames', required: true, constraint: { greaterThan: { value: 0 } } },
      { attribute: 'numImageFrames', weight: 5, constraint: { greaterThan: { value: 2 } } },
      { attribute: 'isDisplaySetFromUrl', weight: 20, constraint: { equals: true } },
    ],
  });
  const studies = [...Array(columns).keys()];
  const viewportOptions = {
    toolGroupId: 'default',
    viewportType: 'stack',
    allowUnmatchedView: true,
    initialImageOptions: { preset: 'middle' },
  };
  return {
    id,
    name,
    description: name,
    protocolMatchingRules: matchingRules,
    numberOfPriorsReferenced: columns - 1,
    toolGroupIds: ['default'],
    displaySetSelectors: Object.fromEntries(studies.map(study => [`study${study}`, selector(study)])),
    defaultViewport: {
      viewportOptions: { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true },
      displaySets: [{ id: 'study0', matchedDisplaySetsIndex: -1 }],
    },
    stages: [
      {
        id: name,
        name,
        stageActivation: { enabled: { minViewportsMatched: columns } },
        viewportStructure: { layoutType: 'grid', properties: { rows: 1, columns } },
        viewports: studies.map(study => ({ viewportOptions, displaySets: [{ id: `study${study}` }] })),
      },
    ],
  };
};

const HAS_PRIOR = { id: 'prior', weight: 1000, attribute: 'StudyInstanceUID', from: 'prior', required: true, constraint: { notNull: true } };
const PROTOCOLS = [hanging('appliance.prior', 'With prior', 2, [HAS_PRIOR])];

const extension = {
  id: 'appliance',
  getHangingProtocolModule: () => PROTOCOLS.map(protocol => ({ name: protocol.id, protocol })),
  onModeEnter({ servicesManager }) {
    const { cornerstoneViewportService } = servicesManager.services;
    const changed = cornerstoneViewportService.EVENTS.VIEWPORT_DATA_CHANGED;
    const look = resultsAtOpening({ servicesManager });
    this.subscription = cornerstoneViewportService.subscribe(changed, look);
  },
  onModeExit() {
    this.subscription?.unsubscribe();
  },
};

const askToSignIn = error => {
  if (error?.status === 401) {
    window.location.assign(`/login?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
  }
};

window.config = {
  name: 'appliance',
  routerBasename: null,
  extensions: [extension],
  modes: [],
  modesConfiguration: {
    '@ohif/mode-longitudinal': { hangingProtocol: { $set: ['appliance.prior', 'default'] } },
  },
  customizationService: [{ 'ohif.tours': { $set: [] } }],
  showStudyList: false,
  showErrorDetails: 'never',
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  maxNumberOfWebWorkers: 3,
  maxNumRequests: appliance.requests,
  investigationalUseDialog: { option: 'never' },
  disableConfirmationPrompts: true,
  httpErrorHandler: askToSignIn,
  whiteLabeling: {
    createLogoComponentFn: React =>
      React.createElement('a', { href: '/', className: 'text-foreground text-lg font-semibold' }, appliance.title),
  },
  defaultDataSourceName: 'node',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'node',
      configuration: {
        friendlyName: appliance.title,
        name: 'node',
        qidoRoot: appliance.root,
        wadoRoot: appliance.root,
        wadoUriRoot: appliance.root,
        withCredentials: true,
        qidoSupportsIncludeField: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        dicomUploadEnabled: false,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
};
